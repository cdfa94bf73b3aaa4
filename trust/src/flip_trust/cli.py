"""`flip-trust enrol | serve | projects | show | approve | decline | withdraw | doctor | omop …`."""

import getpass
import json
import logging
import os
import signal
from typing import Annotated, Any
from uuid import UUID

import typer

from flip_contracts.messages import EnrolRequest
from flip_contracts.sql_guard import SqlRefused
from flip_contracts.wire import PROTOCOL_VERSION
from flip_trust.agent import AGENT_VERSION, Agent
from flip_trust.doctor import findings
from flip_trust.errors import HubRefused, HubUnreachable, TrustError
from flip_trust.flower.supervisor import kill_children
from flip_trust.hub_client import HubClient
from flip_trust.omop.cli import omop
from flip_trust.settings import TrustSettings
from flip_trust.sql.engine import EngineFailed
from flip_trust.store import ProjectRow

app = typer.Typer(help="The agent of a FLIP trust. Settings: FLIP_TRUST_* variables.", no_args_is_help=True)
app.add_typer(omop, name="omop")
Json = Annotated[bool, typer.Option("--json")]
By = Annotated[str, typer.Option(help="Who decides, as the researcher will see it.", default_factory=getpass.getuser)]


def _agent() -> Agent:
    return Agent(TrustSettings())  # type: ignore[call-arg]  # from the environment


def _fail(code: str, message: str) -> typer.Exit:
    typer.echo(f"{code}: {message}", err=True)
    return typer.Exit(1)


@app.command()
def enrol(hub: Annotated[str, typer.Option()], code: Annotated[str, typer.Option()]) -> None:
    """Make this trust's key and enrol with a one-time code from the hub's admin."""
    agent = _agent()
    request = EnrolRequest(
        code=code, public_key=agent.key.public, agent_version=AGENT_VERSION, protocol_version=PROTOCOL_VERSION
    )
    try:
        made = HubClient(hub).enrol(request)
    except HubRefused as refusal:
        raise _fail(refusal.code, refusal.message) from None
    except HubUnreachable:
        raise _fail(
            "hub_unreachable", f"The hub at {hub} does not answer. Check the address and the network."
        ) from None
    agent.store.set_identity(
        name=made.name, trust_id=str(made.trust_id), token=made.token, hub_public_key=made.hub_public_key
    )
    typer.echo(f"Enrolled as {made.name}. Start the agent with `flip-trust serve`.")


@app.command()
def serve() -> None:
    """Run the agent until SIGTERM or Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    agent = _agent()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    try:
        agent.serve()
    except TrustError as error:
        raise _fail(error.code, error.public) from None
    kill_children()
    os._exit(0)  # every child is gone; threads in a long poll must not hold the shutdown


def _view(project: ProjectRow) -> dict[str, Any]:
    return {
        "id": str(project.review.project_id),
        "name": project.review.project_name,
        "owner": project.review.owner,
        "purpose": project.review.purpose,
        "imaging": project.review.imaging,
        "decision": project.decision,
        "sql": project.review.sql,
    }


@app.command()
def projects(as_json: Json = False) -> None:
    """Projects that ask this trust, and what it has decided."""
    found = [_view(p) for p in _agent().store.projects()]
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for project in found:
        typer.echo(f"{project['id']}  {project['decision']:<10} {project['name']} ({project['owner']})")
    if not found:
        typer.echo("No project asks this trust.")


@app.command()
def show(project_id: UUID) -> None:
    """One project with its query and its exact cohort size here, which does not leave."""
    agent = _agent()
    project = agent.store.project(project_id)
    if project is None:
        raise _fail("project_unknown", "This trust was not asked about such a project.")
    for key, value in _view(project).items():
        typer.echo(f"{key}: {value}")
    try:
        summary = agent.engine.summary(agent.engine.check(project.review.sql))
    except (SqlRefused, EngineFailed) as failure:
        raise _fail(failure.code, failure.message) from None
    typer.echo(f"here (exact, stays here): {summary.persons} persons, {summary.accessions} accessions")


def _decide(action: str, project_id: UUID, *arguments: Any) -> None:
    try:
        getattr(_agent().approvals, action)(project_id, *arguments)
    except TrustError as error:
        raise _fail(error.code, error.public) from None


@app.command()
def approve(project_id: UUID, by: By, conditions: str = "", expires_days: int | None = None) -> None:
    """Say yes to exactly this project and query; the cohort is frozen now."""
    _decide("approve", project_id, conditions, expires_days, by)
    typer.echo("Approved. The cohort is frozen; the agent tells the hub and prepares the images.")


@app.command()
def decline(project_id: UUID, by: By) -> None:
    """Say no."""
    _decide("decline", project_id, by)
    typer.echo("Declined.")


@app.command()
def withdraw(project_id: UUID, by: By) -> None:
    """Take an approval back: runs of the project end here at once."""
    _decide("withdraw", project_id, by)
    typer.echo("Withdrawn. Runs of this project end here at once.")


@app.command()
def doctor() -> None:
    """Say in plain words what is missing."""
    found = list(findings(_agent()))
    for finding in found:
        typer.echo(
            f"{'ok  ' if finding.fine else 'FAIL'}  {finding.name}{'' if finding.fine else f': {finding.remedy}'}"
        )
    if not all(finding.fine for finding in found):
        raise typer.Exit(1)

"""`flip-trust enrol | serve | page | projects | show | approve | enrich | mock | doctor | keys | staff | omop …`."""

import contextlib
import getpass
import json
import logging
import os
import signal
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import ValidationError

from flip_contracts.sql_guard import SqlRefused
from flip_trust.agent import Agent
from flip_trust.doctor.examination import examine
from flip_trust.doctor.finding import Finding, wrong
from flip_trust.doctor.way import Way, walk
from flip_trust.enrich.cli import command as enrich
from flip_trust.enrolment.cli import enrol
from flip_trust.errors import HubRefused, HubUnreachable, TrustError
from flip_trust.flower.supervisor import kill_children
from flip_trust.keys import TrustKey
from flip_trust.mock.cli import command as mock
from flip_trust.omop.cli import omop
from flip_trust.page.serving import DEFAULT_PORT, address, listen, page_server
from flip_trust.rotation import rotate as rotate_keys
from flip_trust.settings import CONFIG_VARIABLE, TrustSettings, complaints, config_file, node_settings, trust_settings
from flip_trust.sql.engine import EngineFailed
from flip_trust.staff.cli import staff
from flip_trust.store import ProjectRow, Store

app = typer.Typer(
    help="The agent of a FLIP trust. Settings: a config file, or FLIP_TRUST_* variables.", no_args_is_help=True
)
keys = typer.Typer(help="This trust's own key.", no_args_is_help=True)
app.add_typer(omop, name="omop")
app.add_typer(staff, name="staff")
app.add_typer(keys, name="keys")
app.command("enrich")(enrich)
app.command("mock")(mock)
Json = Annotated[bool, typer.Option("--json")]
By = Annotated[str, typer.Option(help="Who decides, as the researcher will see it.", default_factory=getpass.getuser)]


def _agent() -> Agent:
    try:
        return Agent(trust_settings())
    except TrustError as error:
        raise _fail(error.code, error.public) from None


def _fail(code: str, message: str) -> typer.Exit:
    typer.echo(f"{code}: {message}", err=True)
    return typer.Exit(1)


@app.callback()
def main(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="The config file, if it is not where it usually is.")] = None,
) -> None:
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.absolute())
    context.default_map = {"omop": _omop_options()}


def _omop_options() -> dict[str, Any]:
    """What the config file says of the OMOP database, for `flip-trust omop`, which needs no other setting."""
    try:
        said = tomllib.loads(config_file().read_text())
    except (OSError, ValueError):  # an agent's command says what is wrong with it
        return {}
    options = {"mart": "omop_path", "also": "omop_also", "never": "omop_never"}
    found = {option: said[name] for option, name in options.items() if name in said}
    return dict.fromkeys(("load", "synth", "check", "init-role"), found)


app.command()(enrol)


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
    rule = project.review.series_rule
    return {
        "id": str(project.review.project_id),
        "name": project.review.project_name,
        "owner": project.review.owner,
        "purpose": project.review.purpose,
        "imaging": project.review.imaging,
        "series_rule": rule.model_dump(mode="json", exclude_defaults=True) if rule else None,
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
def page(port: int = DEFAULT_PORT) -> None:
    """Serve this trust's own page, where the agent does not do it (FLIP_TRUST_PAGE_PORT)."""
    agent = _agent()
    try:
        server, listening = page_server(agent), listen(agent.settings, port)
    except TrustError as error:
        raise _fail(error.code, error.public) from None
    typer.echo(f"The page is at {address(agent.settings, listening)}. Ctrl-C ends it.")
    server.run(sockets=[listening])


@app.command()
def doctor(as_json: Json = False) -> None:
    """Try everything that this node needs, and say in plain words what is missing."""
    found = []
    for finding in _findings():
        found.append(finding)
        if not as_json:
            typer.echo(finding.line)
    if as_json:
        typer.echo(json.dumps({"fine": all(f.fine for f in found), "findings": [asdict(f) for f in found]}, indent=1))
    if not all(finding.fine for finding in found):
        raise typer.Exit(1)


def _findings() -> Iterator[Finding]:
    """Without whole settings there is no agent to look at, but the way to the hub can be tried."""
    try:
        agent = Agent(TrustSettings())  # type: ignore[call-arg]  # from the environment
    except ValidationError as error:
        for line in complaints(error):
            yield wrong("settings", line, f"Say it in {config_file()} or as a variable")
        with contextlib.suppress(TrustError):
            node = node_settings()
            yield from walk(Way(node.hub_url, node.hub_ca_file, node.hub_proxy))
        return
    yield from examine(agent)


@keys.command()
def rotate() -> None:
    """A new key and a new token for this trust, also while the agent runs. What was decided stays verifiable."""
    try:
        settings = node_settings()
        public = rotate_keys(settings, Store(settings.data_dir / "agent.db"))
    except TrustError as error:
        raise _fail(error.code, error.public) from None
    except HubRefused as refusal:
        raise _fail(refusal.code, refusal.message) from None
    except HubUnreachable:
        text = "The hub does not answer; the old key and token hold. `flip-trust doctor` says why; then try again."
        raise _fail("hub_unreachable", text) from None
    typer.echo(f"The key is {public} now. The hub takes what the old one signed for an hour more.")


@keys.command("show")
def show_keys() -> None:
    """This trust's public key, and those before it."""
    try:
        folder = node_settings().data_dir
    except TrustError as error:
        raise _fail(error.code, error.public) from None
    key = TrustKey(folder / "keys" / "trust.pem")
    typer.echo(f"{key.public}  now")
    for handover in reversed(key.history()):
        told = handover.rotation
        typer.echo(f"{told.previous_key}  until {told.asked_at:%Y-%m-%d %H:%M:%S UTC}")

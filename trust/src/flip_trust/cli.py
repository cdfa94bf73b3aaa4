"""`flip-trust enrol | serve | page | doctor | keys`, and the verbs of each feature."""

import contextlib
import json
import logging
import os
import signal
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from flip_trust.agent import Agent
from flip_trust.approvals import cli as projects
from flip_trust.code_reviews.cli import code
from flip_trust.doctor.examination import examine
from flip_trust.doctor.finding import Finding, wrong
from flip_trust.doctor.way import Way, walk
from flip_trust.enrich.cli import command as enrich
from flip_trust.enrolment.cli import enrol
from flip_trust.errors import HubRefused, HubUnreachable, TrustError
from flip_trust.flower.supervisor import kill_children
from flip_trust.imaging.cli import cache, pacs
from flip_trust.keys import TrustKey
from flip_trust.ledger.cli import ledger
from flip_trust.mock.cli import command as mock
from flip_trust.omop.cli import omop
from flip_trust.optouts.cli import optout
from flip_trust.page.serving import DEFAULT_PORT, address, listen, page_server
from flip_trust.policy.cli import policy
from flip_trust.rotation import rotate as rotate_keys
from flip_trust.settings import CONFIG_VARIABLE, TrustSettings, complaints, config_file, node_settings
from flip_trust.staff.cli import staff
from flip_trust.store import Store
from flip_trust.terminal import Json, fail, opened

app = typer.Typer(
    help="The agent of a FLIP trust. Settings: a config file, or FLIP_TRUST_* variables.", no_args_is_help=True
)
projects.register(app)
keys = typer.Typer(help="This trust's own key.", no_args_is_help=True)
app.add_typer(code, name="code")
app.add_typer(optout, name="optout")
app.add_typer(policy, name="policy")
app.add_typer(ledger, name="ledger")
app.add_typer(omop, name="omop")
app.add_typer(staff, name="staff")
app.add_typer(keys, name="keys")
app.command("enrich")(enrich)
app.command("mock")(mock)
app.add_typer(pacs, name="pacs")
app.add_typer(cache, name="cache")


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
    agent = opened()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    try:
        agent.serve()
    except TrustError as error:
        raise fail(error.code, error.public) from None
    kill_children()
    os._exit(0)  # every child is gone; threads in a long poll must not hold the shutdown


@app.command()
def page(port: int = DEFAULT_PORT) -> None:
    """Serve this trust's own page, where the agent does not do it (FLIP_TRUST_PAGE_PORT)."""
    agent = opened()
    try:
        server, listening = page_server(agent), listen(agent.settings, port)
    except TrustError as error:
        raise fail(error.code, error.public) from None
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
        raise fail(error.code, error.public) from None
    except HubRefused as refusal:
        raise fail(refusal.code, refusal.message) from None
    except HubUnreachable:
        text = "The hub does not answer; the old key and token hold. `flip-trust doctor` says why; then try again."
        raise fail("hub_unreachable", text) from None
    typer.echo(f"The key is {public} now. The hub takes what the old one signed for an hour more.")


@keys.command("show")
def show_keys() -> None:
    """This trust's public key, and those before it."""
    try:
        folder = node_settings().data_dir
    except TrustError as error:
        raise fail(error.code, error.public) from None
    key = TrustKey(folder / "keys" / "trust.pem")
    typer.echo(f"{key.public}  now")
    for handover in reversed(key.history()):
        told = handover.rotation
        typer.echo(f"{told.previous_key}  until {told.asked_at:%Y-%m-%d %H:%M:%S UTC}")

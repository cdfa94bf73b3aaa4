"""`flip-trust policy show | check | dry-run | template`."""

from pathlib import Path
from typing import Annotated

import typer

from flip_trust.errors import PolicyInvalid
from flip_trust.policy.dry_run import Rehearsal
from flip_trust.policy.reading import read_policy
from flip_trust.policy.schema import TrustPolicy, of_settings, rules
from flip_trust.settings import TrustSettings, trust_settings
from flip_trust.terminal import fail, opened, told

policy = typer.Typer(help="The rules of this trust: one file, policy.yaml.", no_args_is_help=True)
LONGEST_LIST = 50


@policy.command("show")
def show_policy() -> None:
    """Each rule as it holds now, and what it means."""
    with told():
        agent = opened()
        now = agent.rules.current
    typer.echo(
        f"# {agent.rules.path}{'' if agent.rules.path.exists() else ' (not there: defaults and variables hold)'}"
    )
    for line in as_yaml(now):
        typer.echo(line)


@policy.command()
def template() -> None:
    """A policy file with every rule at its default, to start from."""
    for line in as_yaml(TrustPolicy()):
        typer.echo(line)


def as_yaml(now: TrustPolicy) -> list[str]:
    """The file's text with a comment a rule."""
    lines, values, section = list[str](), now.model_dump(mode="json"), ""
    for (name, rule), meaning in rules().items():
        if name != section:
            lines.append(f"{name}:")
            section = name
        value = values[name][rule]
        said = {True: "true", False: "false", None: "null"}.get(value) if isinstance(value, bool | None) else value
        if isinstance(value, str) and not value.isalpha():
            said = "'" + value.replace("'", "''") + "'"
        lines += [f"  # {meaning}", f"  {rule}: {said}"]
    return lines


@policy.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="Without one: the file that the agent uses.")] = None,
) -> None:
    """Is the file as it has to be? Says each error with its place and what to write instead."""
    with told():
        settings = trust_settings()
    path = file or settings.policy or settings.data_dir / "policy.yaml"
    _read(path, settings)
    typer.echo(f"{path} is fine.")


def _read(path: Path, settings: TrustSettings) -> TrustPolicy:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(PolicyInvalid.code, f"{path} cannot be read: {type(error).__name__}.") from None
    read, problems = read_policy(text, of_settings(settings))
    for problem in problems:
        typer.echo(f"{path}:{problem.line}:{problem.column}: {problem.message} {problem.remedy}", err=True)
    if read is None:
        raise fail(PolicyInvalid.code, f"{len(problems)} error(s) in {path}.")
    return read


@policy.command("dry-run")
def dry_run(file: Path, days: Annotated[int, typer.Option(min=1, max=3650)] = 30) -> None:
    """Which queries, decisions and runs of the last days would have come out differently under this file."""
    with told():
        agent = opened()
        other = _read(file, agent.settings)
        found = Rehearsal(agent.store, agent.approvals, agent.code).of(agent.rules.current, other, days)
    looked = f"{found.queries} queries, {found.decisions} decisions, {found.runs} runs"
    typer.echo(f"Of {looked} in {days} days, {len(found.changes)} would have come out differently.")
    for change in found.changes[-LONGEST_LIST:]:
        typer.echo(f"{change.at[:16]}  {change.what:<8}  {change.rule}: {change.was} -> {change.would_be}")
    if len(found.changes) > LONGEST_LIST:
        typer.echo(f"(the last {LONGEST_LIST} are shown)")

"""`flip train` and `flip stop`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flip.cli.hub.arguments import JsonOption, ModelArgument, ProjectOption
from flip.cli.hub.errors import HubProblem, Refused
from flip.cli.hub.findings import print_findings
from flip.cli.hub.lookup import active_run, find_model
from flip.cli.hub.output import clean, one_line, print_json, short
from flip.cli.hub.session import connect
from flip.cli.hub.watch import watch_run


def train(
    model: ModelArgument,
    project: ProjectOption = "",
    run_config: Annotated[
        list[str] | None,
        typer.Option("--run-config", metavar="'KEY=VALUE …'", help="Override declared keys: 'rounds=5 name=\"a b\"'."),
    ] = None,
    trust: Annotated[
        list[str] | None, typer.Option("--trust", help="Only this approving trust; may be repeated.")
    ] = None,
    rounds: Annotated[int | None, typer.Option("--rounds", min=1, help="Sets the app's num-server-rounds.")] = None,
    min_trusts: Annotated[
        int | None, typer.Option("--min-trusts", min=1, help="Start with so many trusts online, end with fewer.")
    ] = None,
    join_seconds: Annotated[
        float | None, typer.Option("--join-seconds", help="How long the asked trusts are waited for.")
    ] = None,
    run_seconds: Annotated[
        float | None, typer.Option("--run-seconds", help="The longest that the run may take.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Follow the run to its end, as `flip watch` does.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Initiate training of a model across the trusts that approved its project."""
    if watch and as_json:
        raise Refused("--watch and --json do not go together.", code="options_conflict")
    from flip.local_run.project import parse_overrides

    overrides = parse_overrides(run_config or [])
    asked = {
        "rounds": rounds,
        "min_trusts": min_trusts,
        "join_seconds": join_seconds,
        "run_seconds": run_seconds,
    }
    options = {name: value for name, value in asked.items() if value is not None}
    with connect() as hub:
        target = find_model(hub, model, project)
        try:
            run = hub.initiate(target["id"], overrides, trust or None, options)
        except HubProblem as error:
            if error.code == "app_check_failed":
                print_findings(error.details.get("findings", []), target["name"])
            raise
    if as_json:
        print_json(run)
        return
    names = ", ".join(t["trust"] for t in run["trusts"])
    print(clean(f"Run {short(run['id'])} of {target['name']} is queued for {names}."), flush=True)
    if watch:
        watch_run(target, run["id"])
    else:
        print(f"Next: flip watch {short(target['id'])}")


def stop(
    model: ModelArgument,
    project: ProjectOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop the run of a model that is queued or running."""
    with connect() as hub:
        target = find_model(hub, model, project)
        run = active_run(hub, target)
        rounds = max((r["round"] for r in run["rounds"]), default=0)
        what = one_line(f"run {short(run['id'])} of {target['name']} ({run['state']}, {rounds} rounds done)")
        if not yes:
            if not sys.stdin.isatty():
                raise Refused(
                    f"There is no terminal to ask on. `--yes` stops {what} without a question.", code="no_terminal"
                )
            if not typer.confirm(f"Stop {what}?"):
                raise Refused("Nothing was stopped.", code="not_confirmed")
        hub.stop(run["id"])
    print(f"Asked the hub to stop {what}. `flip watch {short(target['id'])}` shows the end.")

"""`flip logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from flip.cli.hub.arguments import JsonOption, ModelArgument, ProjectOption, RunOption
from flip.cli.hub.follow import Away, follow, whole_log
from flip.cli.hub.lookup import find_model, find_run
from flip.cli.hub.output import clean, clock, note, print_json
from flip.cli.hub.records import LogLine
from flip.cli.hub.session import connect
from flip.cli.hub.words import ending


def logs(
    model: ModelArgument,
    project: ProjectOption = "",
    run: RunOption = "",
    follow_on: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until the run ends.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what the ServerApp of the newest run wrote. What ClientApps write stays at their trusts."""
    if not follow_on:
        with connect() as hub:
            lines = whole_log(hub, find_run(hub, find_model(hub, model, project), run)["id"])
        if as_json:
            print_json(lines)
        else:
            _print(lines)
            if not lines:
                note("The ServerApp has written nothing yet.")
        return
    with connect() as hub:
        wanted = find_run(hub, find_model(hub, model, project), run)["id"]
    with connect(retries=False) as hub:
        away = False
        for seen in follow(hub, wanted, metrics=False):
            if isinstance(seen, Away):
                if not away:
                    note(f"{seen.why} Trying again; the run goes on without us.")
                away = True
                continue
            away = False
            if as_json:
                for line in seen.log:
                    print_json(line)
            else:
                _print(seen.log)
            if seen.ended:
                note(ending(seen.run))


def _print(lines: list[LogLine]) -> None:
    for line in lines:
        print(f"{clock(line['at'])}  {clean(line['text'])}", flush=True)

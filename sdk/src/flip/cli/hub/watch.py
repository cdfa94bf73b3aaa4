"""`flip watch`: follow a run to its end."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flip.cli.hub.arguments import ModelArgument, ProjectOption, RunOption
from flip.cli.hub.follow import PATIENCE, Picture, follow
from flip.cli.hub.lookup import find_model, find_run
from flip.cli.hub.output import note, short
from flip.cli.hub.records import Model, Run
from flip.cli.hub.session import connect
from flip.cli.hub.words import ending

INTERRUPTED = 130  # what a shell gives for Ctrl-C


def watch(
    model: ModelArgument,
    project: ProjectOption = "",
    run: RunOption = "",
    patience: Annotated[
        float, typer.Option(help="Seconds that the hub may be away before this command gives up.")
    ] = PATIENCE,
) -> None:
    """Follow the newest run of a model to its end. Exit code 0 if it succeeded, 1 if it failed or was stopped."""
    with connect() as hub:
        target = find_model(hub, model, project)
        wanted = find_run(hub, target, run)["id"]
    watch_run(target, wanted, patience)


def watch_run(model: Model, run_id: str, patience: float = PATIENCE) -> None:
    last: Run | None = None
    try:
        with connect(retries=False) as hub, _view() as view:
            for seen in follow(hub, run_id, patience=patience):
                view.show(seen)
                last = seen.run if isinstance(seen, Picture) else last
    except KeyboardInterrupt:
        name = short(model["id"])
        note(f"The run goes on. `flip watch {name}` shows it again, `flip stop {name}` stops it.")
        raise typer.Exit(INTERRUPTED) from None
    if last is None:
        raise AssertionError("following a run ends with its picture")
    if last["state"] != "succeeded":
        note(f"flip: {ending(last)}")
        note(f"The ServerApp's log: flip logs {short(model['id'])} --run {short(run_id)}")
        raise typer.Exit(1)
    print(f"{ending(last)}\nNext: flip results {short(model['id'])}")


def _view():
    """A live picture on a terminal, plain lines elsewhere."""
    if sys.stdout.isatty():
        from flip.cli.hub.live_view import LiveView

        return LiveView()
    from flip.cli.hub.plain_view import PlainView

    return PlainView()

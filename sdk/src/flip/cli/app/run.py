"""`flip app run`."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flip.local_run.runner import Result
    from flip.local_run.views import LineView


def run(
    path: Annotated[Path, typer.Argument(help="The app's folder, with its pyproject.toml.")] = Path("."),
    trusts: Annotated[int, typer.Option("--trusts", "-n", help="How many trusts to simulate.")] = 2,
    name: Annotated[
        list[str] | None, typer.Option(help="Names of the trusts, once for each, in place of trust-1, trust-2, ...")
    ] = None,
    run_config: Annotated[
        list[str] | None, typer.Option(help="Overrides of declared keys: 'num-server-rounds=1 note=\"a b\"'.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="A folder with dataframe.csv and accession-resources/, or with one such folder per trust."),
    ] = None,
    parallel: Annotated[
        bool, typer.Option("--parallel/--sequential", help="A process per trust, or one trust after the other.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object at the end, on standard output.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Flower's own log lines, too.")] = False,
    full_traceback: Annotated[bool, typer.Option(help="Every frame of a traceback, not the app's alone.")] = False,
) -> None:
    """Run an app's ServerApp and ClientApps on this machine: no network, no services, in a second."""
    from flip.local_run.project import parse_overrides, read_project
    from flip.local_run.runner import Order, run_app
    from flip.local_run.trusts import names_of
    from flip.local_run.views import LineView, LiveView, SilentView

    names = name or names_of(trusts)
    order = Order(path, names, parse_overrides(run_config or []), data, parallel, verbose)
    if as_json:
        with contextlib.redirect_stdout(sys.stderr):  # what the app prints must not get between the JSON
            result = run_app(order, SilentView())
        print(json.dumps(result.to_json(), default=str))
        sys.exit(0 if result.error is None else 1)

    from rich.console import Console

    console = Console(highlight=False)
    view: LineView
    if console.is_terminal:
        rounds = {**read_project(path).config, **order.overrides}.get("num-server-rounds")
        view = live = LiveView(console, names, rounds if isinstance(rounds, int) else None, full_traceback)
        watching = live.watch
    else:
        view, watching = LineView(console, full_traceback), None
    try:
        result = run_app(order, view, watching)
    except KeyboardInterrupt:
        view.close()
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    finally:
        view.close()
    _conclude(result, view, path)


def _conclude(result: Result, view: LineView, path: Path) -> None:
    """Say how it ended and what to do next; exit code 1 where it failed."""
    if result.failure is not None:
        view.failure("ServerApp", result.failure)
    print(f"{'Done' if result.error is None else 'Failed'} in {result.seconds:.1f} s.")
    folder = _short(result.folder)
    print(f"  {folder}/  status, metrics and the run's summary")
    if result.model is not None:
        print(f"  {_short(result.model)}  the global model: numpy.load opens it")
    if result.recorder.last_metrics:
        print(f"  flip app plot {folder}  draws its charts")
    if result.error is not None:
        raise result.error
    if not result.recorder.failures:
        print(f"  flip app check {path}  finds what the platform would refuse")


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

"""All commands in one tree. Each group lives in its own folder; heavy imports stay inside the commands."""

from __future__ import annotations

import sys

import typer

from flip.cli import hub
from flip.cli.app import app_group
from flip.errors import FlipError

cli = typer.Typer(
    name="flip",
    help="Build, check and run a FLIP app here; then train it across hospitals.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.add_typer(app_group, name="app")
hub.register(cli)


def run() -> None:
    """Run the command line. An expected failure is one line with its code, and exit code 1."""
    try:
        cli()
    except FlipError as error:
        print(f"flip: {error} [{error.code}]", file=sys.stderr)
        sys.exit(1)

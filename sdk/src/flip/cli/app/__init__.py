"""`flip app new | check | run | plot`: everything about an app before it meets the platform."""

from __future__ import annotations

import typer

from flip.cli.app.check import check
from flip.cli.app.new import new
from flip.cli.app.plot import plot
from flip.cli.app.run import run

app_group = typer.Typer(help="Make, check and run an app on this machine.", no_args_is_help=True)
for command in (new, check, run, plot):
    app_group.command()(command)

"""`flip login | projects | models | upload | train | watch | results | logs`: work with a hub from a terminal."""

from __future__ import annotations

from collections.abc import Callable

import typer

from flip.cli.hub.errors import told
from flip.cli.hub.listing import models, projects
from flip.cli.hub.login import login, logout
from flip.cli.hub.logs import logs
from flip.cli.hub.results import results
from flip.cli.hub.training import stop, train
from flip.cli.hub.upload import upload
from flip.cli.hub.watch import watch

PANEL = "A hub"
COMMANDS: tuple[Callable[..., None], ...] = (
    login,
    logout,
    projects,
    models,
    upload,
    train,
    watch,
    logs,
    stop,
    results,
)


def register(cli: typer.Typer) -> None:
    """Add the hub's commands to the command tree."""
    for command in COMMANDS:
        cli.command(rich_help_panel=PANEL)(told(command))

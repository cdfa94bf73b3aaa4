"""`flip login | projects | models | upload | train | watch | results | logs`: work with a hub from a terminal."""

from __future__ import annotations

import typer


def register(cli: typer.Typer) -> None:
    """Add the hub's commands to the command tree."""

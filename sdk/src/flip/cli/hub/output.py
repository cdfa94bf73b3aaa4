"""Text for people: tables, short ids, sizes. Whatever came over the network is shown without control characters."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

SHORT_ID = 8  # hex digits of a UUID: enough to be told apart in one hub, short enough to type


def clean(text: str, keep: str = "") -> str:
    """The text without control characters: a log line of an app must not steer this terminal."""
    return "".join(c if c in keep or c.isprintable() else " " if c in "\t\n\r" else "�" for c in text)


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def short(identifier: str) -> str:
    return identifier[:SHORT_ID]


def day(moment: str | None) -> str:
    """An ISO timestamp in this machine's time zone, to the minute."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


def clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")


def size(count: int) -> str:
    return (
        f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB" if count >= 2**10 else f"{count} B"
    )


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=1))


def note(text: str) -> None:
    """For the person at the terminal; standard output stays free for what a script reads."""
    print(clean(text, keep="\n"), file=sys.stderr)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns. Nothing is cut or wrapped where the output is not a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    console.print(table)

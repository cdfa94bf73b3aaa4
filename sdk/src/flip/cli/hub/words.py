"""Events, metrics and endings of a run in words."""

from __future__ import annotations

from typing import Final

from flip.cli.hub.output import one_line, short
from flip.cli.hub.records import Event, Run, Series

BARS: Final = "▁▂▃▄▅▆▇█"
SPARK_POINTS: Final = 30
# By the status bar, by the last line, and once for each message of every round.
_SAID_ELSEWHERE: Final = frozenset({"app_status", "model_status", "ended", "exchanges"})


def event_text(event: Event) -> str | None:
    """The hub's sentence about the event; None if it is told elsewhere."""
    return None if event["kind"] in _SAID_ELSEWHERE else one_line(event["text"])


def ending(run: Run) -> str:
    """`Run 1a2b3c4d succeeded after 12 s: <text> [<reason>]`."""
    text = one_line(run["reason_text"])
    return f"Run {short(run['id'])} {run['state']}{': ' + text if text else ''} [{run['reason_code']}]"


def source(series: Series) -> str:
    return series["trust"] or "ServerApp"


def x_name(series: Series) -> str:
    return one_line(series["x_label"]) or "round"


def sparkline(values: list[float]) -> str:
    """The last points as bars between their own lowest and highest."""
    shown = values[-SPARK_POINTS:]
    low, high = min(shown, default=0.0), max(shown, default=0.0)
    return "".join(BARS[int((v - low) / ((high - low) or 1) * (len(BARS) - 1))] for v in shown)

"""Events, metrics and endings of a run in words."""

from __future__ import annotations

from typing import Any, Final

from flip.cli.hub.output import one_line, short
from flip.cli.hub.records import Event, Run, Series

BARS: Final = "▁▂▃▄▅▆▇█"
SPARK_POINTS: Final = 30
_EVENTS: Final = {
    "queued": "queued for {trusts}",
    "starting": "starting",
    "running": "running",
    "trust_joined": "{trust} joined",
    "trust_online": "{trust} is online",
    "trust_refused": "{trust} refused: {text} [{code}]",
    "trust_lost": "{trust} is lost: {text}",
    "trust_left": "{trust} is left out: {text}",
    "server_app_started": "ServerApp started",
    "round_sent": "round {round}: sent to {nodes} trusts",
    "round_done": "round {round} {phase}: {results} results, {failures} failures",
    "server_app_exception": "ServerApp raised {error_class}",
    "node_exception": "{trust}: ClientApp raised {error_class}: {text}",
    "client_name_differs": "{trust}: the app sends metrics as {client_names}; they are kept under {trust}",
    "stop_requested": "stop requested",
    "notice": "notice: {text}",
}
_SAID_ELSEWHERE: Final = frozenset({"app_status", "ended"})  # by the status bar, and by the last line


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def event_text(event: Event) -> str | None:
    """The event in a sentence; its kind and facts if this version does not know it; None if it is told elsewhere."""
    if event["kind"] in _SAID_ELSEWHERE:
        return None
    facts = _Facts({key: _fact(value) for key, value in event["payload"].items() if value not in (None, "", [])})
    if known := _EVENTS.get(event["kind"]):
        return one_line(known.format_map(facts))
    listed = ", ".join(f"{key} {value}" for key, value in facts.items())
    return one_line(f"{event['kind'].replace('_', ' ')}{': ' + listed if listed else ''}")


def _fact(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


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

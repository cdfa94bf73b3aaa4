"""Follow one run to its end: a picture of it whenever something happened, through absences of the hub."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flip.cli.hub.errors import HubUnavailable
from flip.cli.hub.records import ENDED, Event, LogLine, Model, Run, Series

if TYPE_CHECKING:
    from flip.cli.hub.client import Hub

WAIT_SECONDS: Final = 2.0  # of one long poll: metrics and log lines that came between two polls wait no longer
AT_LEAST: Final = 0.2  # seconds between two pictures, however much happens
PATIENCE: Final = 900.0  # seconds that the hub may be away
LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True)
class Picture:
    """`events` and `log`: what is new since the picture before; `series` are whole."""

    run: Run
    model: Model
    series: list[Series]
    events: list[Event]
    log: list[LogLine]

    @property
    def ended(self) -> bool:
        return self.run["state"] in ENDED


@dataclass(frozen=True)
class Away:
    """The hub has not answered for so many seconds."""

    seconds: float
    why: str


def follow(hub: Hub, run_id: str, metrics: bool = True, patience: float = PATIENCE) -> Iterator[Picture | Away]:
    """Ends with the picture of the ended run. Raises HubUnavailable once the hub was away for `patience` seconds."""
    event, line = 0, 0
    wait, pause, lost = 0.0, 0.5, 0.0
    while True:
        began = time.monotonic()
        try:
            picture = _look(hub, run_id, event, line, wait, metrics)
        except HubUnavailable as error:
            lost = lost or began
            away = time.monotonic() - lost
            if away > patience:
                raise
            yield Away(away, str(error))
            time.sleep(pause)
            pause, wait = min(pause * 2, LONGEST_PAUSE), 0.0
            continue
        lost, pause, wait = 0.0, 0.5, WAIT_SECONDS
        event = picture.events[-1]["id"] if picture.events else event
        line = picture.log[-1]["id"] if picture.log else line
        yield picture
        if picture.ended:
            return
        time.sleep(max(0.0, AT_LEAST - (time.monotonic() - began)))


def whole_log(hub: Hub, run_id: str, after: int = 0) -> list[LogLine]:
    lines: list[LogLine] = []
    while page := hub.log(run_id, after):
        lines += page
        after = page[-1]["id"]
    return lines


def _look(hub: Hub, run_id: str, event: int, line: int, wait: float, metrics: bool) -> Picture:
    events = hub.events(run_id, event, wait)
    # The run first: whatever belongs to an ended run was stored before its end was.
    run = hub.run(run_id)
    if run["state"] in ENDED:
        events += hub.events(run_id, events[-1]["id"] if events else event)
    return Picture(
        run=run,
        model=hub.model(run["model_id"]),
        series=hub.metrics(run_id) if metrics else [],
        events=events,
        log=whole_log(hub, run_id, line),
    )

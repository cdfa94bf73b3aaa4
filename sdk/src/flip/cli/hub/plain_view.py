"""A run as plain lines, for pipes and CI: each line once, as it becomes known."""

from __future__ import annotations

from datetime import datetime

from flip.cli.hub.follow import Away, Picture
from flip.cli.hub.output import clean, clock, short
from flip.cli.hub.words import event_text, source, x_name


class PlainView:
    """Status changes, events, metric points and ServerApp lines, each with its time of day."""

    def __init__(self) -> None:
        self._statuses = 0
        self._points: dict[tuple[str, str, str], int] = {}
        self._queue: int | None = None
        self._away = False

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, seen: Picture | Away) -> None:
        if isinstance(seen, Away):
            if not self._away:
                self._say(_now(), f"{seen.why} Trying again; the run goes on without us.")
            self._away = True
            return
        if self._away:
            self._say(_now(), "The hub is back.")
            self._away = False
        lines = [(e["at"], text) for e in seen.events if (text := event_text(e))]
        lines += [(s["at"], s["status"]) for s in seen.model["history"][self._statuses :]]
        self._statuses = max(self._statuses, len(seen.model["history"]))
        lines += [(line["at"], f"log | {line['text']}") for line in seen.log]
        for at, text in sorted(lines, key=lambda line: datetime.fromisoformat(line[0])):
            self._say(clock(at), text)
        place = seen.run["queue_position"]
        if place != self._queue and place:
            self._say(
                _now(), f"run {short(seen.run['id'])} waits in the queue at place {place}: {seen.run['reason_code']}"
            )
        self._queue = place
        self._metrics(seen)

    def _metrics(self, seen: Picture) -> None:
        for series in seen.series:
            key = (source(series), series["label"], series["x_label"])
            for x, value in series["points"][self._points.get(key, 0) :]:
                self._say(_now(), f"{key[0]}  {series['label']} {value:.6g}  ({x_name(series)} {x:g})")
            self._points[key] = len(series["points"])

    def _say(self, at: str, text: str) -> None:
        print(f"{at}  {clean(text)}", flush=True)


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")

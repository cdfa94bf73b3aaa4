"""A run as a live picture on the terminal: status bar, trusts with their metrics, the end of the ServerApp's log."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flip.cli.hub.follow import Away, Picture
from flip.cli.hub.output import clean, one_line, short
from flip.cli.hub.records import BAR, Run
from flip.cli.hub.words import event_text, source, sparkline, x_name

LOG_LINES, NEWS_LINES = 8, 4
BAD = {"failed", "stopped", "ERROR", "STOPPED", "refused", "lost"}


class LiveView:
    def __init__(self, console: Console | None = None) -> None:
        self._picture: Picture | None = None
        self._away: Away | None = None
        self._away_at = 0.0
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._news: deque[str] = deque(maxlen=NEWS_LINES)
        self._live = Live(console=console, get_renderable=self.render, refresh_per_second=4)

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()  # draws once more, and leaves the last picture on the screen

    def show(self, seen: Picture | Away) -> None:
        if isinstance(seen, Away):
            self._away, self._away_at = seen, time.monotonic()
            return
        self._away, self._picture = None, seen
        self._log.extend(clean(line["text"]) for line in seen.log)
        self._news.extend(text for event in seen.events if (text := event_text(event)))

    def render(self) -> RenderableType:
        picture = self._picture
        parts: list[RenderableType] = []
        if picture:
            parts += [_header(picture), status_bar(picture), Text(), _trusts(picture)]
            parts += [Text(f"  {line}", style="dim", no_wrap=True, overflow="ellipsis") for line in self._news]
            if self._log:
                parts.append(Text("ServerApp log", style="bold"))
                parts += [Text(f"  {line}", no_wrap=True, overflow="ellipsis") for line in self._log]
        if self._away:
            seconds = self._away.seconds + time.monotonic() - self._away_at
            words = f"No answer from the hub for {seconds:.0f} s; trying again. The run goes on without us."
            parts.append(Text(words, style="yellow"))
        elif picture and not picture.ended:
            parts.append(Text("Ctrl-C leaves this view; the run goes on.", style="dim"))
        return Group(*parts)


def _header(picture: Picture) -> Text:
    run = picture.run
    words = Text.assemble(
        (one_line(picture.model["name"]), "bold"), f"  run {short(run['id'])}  ", _state(run["state"])
    )
    if run["queue_position"]:
        words.append(f", place {run['queue_position']} in the queue ({run['reason_code']})")
    if run["rounds"]:
        words.append(f"  round {max(r['round'] for r in run['rounds'])} done")
    return words.append(f"  {elapsed(run)}", "dim")


def status_bar(picture: Picture) -> Text:
    """`● INITIATED ━ ● PREPARED ━ ○ TRAINING_STARTED ━ ○ RESULTS_UPLOADED`; an ERROR or STOPPED comes behind."""
    reached = {change["status"] for change in picture.model["history"]}
    bar = Text()
    for status in BAR:
        done = status in reached
        bar.append(" ━ " if bar else "", "green" if done else "dim")
        bar.append(f"{'●' if done else '○'} {status}", "green" if done else "dim")
    for status in sorted(reached & {"ERROR", "STOPPED"}):
        bar.append(f" ━ ✕ {status}", "red")
    return bar


def _trusts(picture: Picture) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("trust", "state", "metric", "last", "at", ""):
        table.add_column(heading, no_wrap=True)
    parts = {t["trust"]: t for t in picture.run["trusts"]}
    for name in [*parts, *sorted({source(s) for s in picture.series} - set(parts))]:
        part = parts.get(name)
        series = sorted((s for s in picture.series if source(s) == name), key=lambda s: (s["label"], s["x_label"]))
        first, state = Text(clean(name)), _state(part["state"]) if part else Text()
        if part and part["reason"]:
            state.append(f" ({one_line(part['reason'])[:60]})")
        for each in series:
            x, value = each["points"][-1]
            spark = sparkline([v for _, v in each["points"]])
            label = Text(clean(each["label"]))
            table.add_row(first, state, label, f"{value:.4g}", Text(f"{x_name(each)} {x:g}"), Text(spark, "cyan"))
            first, state = Text(), Text()
        if not series:
            table.add_row(first, state, "", "", "", "")
    return table


def _state(state: str) -> Text:
    return Text(state, "red" if state in BAD else "green" if state in ("succeeded", "online") else "yellow")


def elapsed(run: Run) -> str:
    """Since *Initiate Training*, as h:mm:ss; never less than nothing where two clocks differ."""
    start = datetime.fromisoformat(run["created_at"])
    end = datetime.fromisoformat(run["finished_at"]) if run["finished_at"] else datetime.now().astimezone()
    return str(timedelta(seconds=max(0, int((end - start).total_seconds()))))

"""How a run is shown: a live table at a terminal, one line per event elsewhere, nothing for `--json`."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flip.local_run.record import Recorder, Round
from flip.local_run.trace import Failure

_COLUMNS = 4  # metrics beside each other; the last ones reported


class SilentView:
    """Shows nothing. The base of the others."""

    def started(self, trust: str, phase: str, server_round: int) -> None: ...
    def finished(self, trust: str, phase: str, server_round: int, seconds: float, failure: Failure | None) -> None: ...
    def metric(self, point: dict[str, Any]) -> None: ...
    def status(self, status: str) -> None: ...
    def notice(self, text: str) -> None: ...
    def failure(self, who: str, failure: Failure) -> None: ...
    def aggregated(self, done: Round) -> None: ...
    def close(self) -> None: ...


class LineView(SilentView):
    """One plain line per event, for logs and pipes."""

    def __init__(self, console: Console, full_traceback: bool = False) -> None:
        self._console, self._full = console, full_traceback
        self._metrics: dict[str, dict[str, float]] = {}

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)

    def finished(self, trust: str, phase: str, server_round: int, seconds: float, failure: Failure | None) -> None:
        numbers = self._metrics.pop(trust, {})
        told = "  ".join(f"{label} {value:.4g}" for label, value in numbers.items())
        if failure is not None:
            told = f"failed: {failure.error_class}" + (f" ({failure.place})" if failure.place else "")
        self._say(f"round {server_round}  {phase:<8}  {trust}  {seconds:.2f} s  {told}".rstrip())

    def metric(self, point: dict[str, Any]) -> None:
        self._metrics.setdefault(point["client_name"], {})[point["label"]] = point["value"]

    def status(self, status: str) -> None:
        self._say(f"status  {status}")

    def notice(self, text: str) -> None:
        self._say(f"note: {text}")

    def failure(self, who: str, failure: Failure) -> None:
        self._say(f"{who}:\n{failure.full if self._full else failure.text}")

    def aggregated(self, done: Round) -> None:
        if done.failures:
            self._say(f"round {done.round}  {done.phase:<8}  {done.results} result(s), {done.failures} failure(s)")


@dataclass(slots=True)
class _Row:
    state: str = "waiting"
    round: int = 0
    since: float = 0.0
    seconds: float = 0.0
    metrics: dict[str, float] = field(default_factory=lambda: {})


class LiveView(LineView):
    """A table with a row per trust that changes in place; notes and tracebacks appear above it."""

    def __init__(self, console: Console, trusts: list[str], rounds: int | None, full_traceback: bool = False) -> None:
        super().__init__(console, full_traceback)
        self._rows = {name: _Row() for name in trusts}
        self._rounds, self._status, self._recorder = rounds, "", None
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=8)
        self._lock = threading.RLock()

    def watch(self, recorder: Recorder) -> None:
        """Begin to show. From now on, each refresh picks up what was reported meanwhile."""
        self._recorder: Recorder | None = recorder
        self._live.start()

    def started(self, trust: str, phase: str, server_round: int) -> None:
        self._rows[trust].state, self._rows[trust].round = f"{phase} …", server_round
        self._rows[trust].since = time.monotonic()

    def finished(self, trust: str, phase: str, server_round: int, seconds: float, failure: Failure | None) -> None:
        row = self._rows[trust]
        row.state, row.seconds = (f"{phase} failed" if failure else f"{phase} done"), seconds

    def metric(self, point: dict[str, Any]) -> None:
        row = self._rows.setdefault(point["client_name"] or "?", _Row(state="server"))
        row.metrics.pop(point["label"], None)
        row.metrics[point["label"]] = point["value"]

    def status(self, status: str) -> None:
        self._status = status

    def aggregated(self, done: Round) -> None: ...

    def close(self) -> None:
        self._recorder = None
        if self._live.is_started:
            self._live.stop()

    def _table(self) -> Table:
        if self._recorder is not None:
            self._recorder.poll()
        labels = list(dict.fromkeys(label for row in self._rows.values() for label in row.metrics))[-_COLUMNS:]
        current = max((row.round for row in self._rows.values()), default=0)
        of = f"/{self._rounds}" if self._rounds else ""
        table = Table(title=f"round {current}{of}   {self._status}".rstrip(), title_justify="left")
        for column in ("trust", "state", "seconds", *labels):
            table.add_column(column, justify="left" if column in ("trust", "state") else "right")
        for name, row in list(self._rows.items()):
            busy = row.state.endswith("…")
            seconds = time.monotonic() - row.since if busy else row.seconds
            style = "red" if "failed" in row.state else "green" if "done" in row.state else "yellow" if busy else ""
            numbers = [f"{row.metrics[label]:.4g}" if label in row.metrics else "" for label in labels]
            table.add_row(name, Text(row.state, style=style), f"{seconds:.1f}" if seconds else "", *numbers)
        return table

"""What the demo shows while it works: stages with their times, rounds, and the loss of each trust."""

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

BARS = "▁▂▃▄▅▆▇█"


class Display:
    """A live table on a terminal; plain lines elsewhere."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.started = time.monotonic()
        self.stages: list[tuple[str, float, float | None]] = []
        self.run: dict[str, Any] | None = None
        self.series: list[dict[str, Any]] = []
        self._said = ""
        self._live = Live(self._render(), console=self.console, refresh_per_second=4)

    def __enter__(self) -> "Display":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_stage()
        if self.console.is_terminal:
            self._live.update(self._render(), refresh=True)
            self._live.stop()

    def stage(self, text: str) -> None:
        self._end_stage()
        self.stages.append((text, time.monotonic(), None))
        self._show(f"[{time.monotonic() - self.started:6.1f} s] {text}")

    def progress(self, run: dict[str, Any], series: list[dict[str, Any]]) -> None:
        self.run, self.series = run, series
        done = max((r["round"] for r in run["rounds"]), default=0)
        losses = ", ".join(f"{s['trust']} {s['points'][-1][1]:.3f}" for s in losses_of(series))
        self._show(f"           {run['state']}, rounds done {done}{', loss: ' + losses if losses else ''}")

    def _end_stage(self) -> None:
        if self.stages and self.stages[-1][2] is None:
            text, start, _ = self.stages[-1]
            self.stages[-1] = (text, start, time.monotonic() - start)

    def _show(self, line: str) -> None:
        if self.console.is_terminal:
            self._live.update(self._render())
        elif line != self._said:
            self._said = line
            self.console.print(line, soft_wrap=True)

    def _render(self) -> Group:
        table = Table(box=None, show_header=False)
        for text, start, seconds in self.stages:
            mark = "[green]✓[/]" if seconds is not None else "[yellow]…[/]"
            table.add_row(mark, text, f"{seconds if seconds is not None else time.monotonic() - start:.1f} s")
        parts: list[Any] = [table]
        if self.run:
            parts.append(Text(f"\nRun {self.run['id']}: {self.run['state']}"))
            parts.append(loss_table(self.series))
        return Group(*parts)


def losses_of(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted((s for s in series if s["label"] == "TRAIN_LOSS" and s["trust"]), key=lambda s: s["trust"])


def loss_table(series: list[dict[str, Any]]) -> Table:
    table = Table(title="Metrics per trust", title_justify="left", box=None)
    for heading in ("trust", "metric", "by round", ""):
        table.add_column(heading)
    for one in sorted((s for s in series if s["trust"]), key=lambda s: (s["label"], s["trust"])):
        values = [value for _, value in one["points"]]
        low, high = min(values), max(values)
        spark = "".join(BARS[int((v - low) / (high - low or 1) * (len(BARS) - 1))] for v in values)
        table.add_row(one["trust"], one["label"], "  ".join(f"{v:.3f}" for v in values), spark)
    return table

"""How far a long call is, on stderr: a bar in a terminal, else a line now and then. Counts only."""

from __future__ import annotations

import importlib
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

_LINE_SECONDS: Final = 5.0


class Progress:
    """A bar by rich or tqdm where stderr is a terminal and one of them is there; else plain lines."""

    def __init__(self, total: int, what: str, *, shown: bool = True) -> None:
        self._total, self._what, self._shown = total, what, shown and total > 0
        self._done = self._failed = 0
        self._last_line = time.monotonic()
        self._rich: Any = None
        self._task: Any = None
        self._tqdm: Any = None

    def __enter__(self) -> Self:
        if self._shown and sys.stderr.isatty():
            try:
                rich = importlib.import_module("rich.progress")
                console = importlib.import_module("rich.console").Console(stderr=True)
                self._rich = rich.Progress(
                    *rich.Progress.get_default_columns(), rich.MofNCompleteColumn(), console=console
                )
                self._task = self._rich.add_task(self._what, total=self._total)
                self._rich.start()
            except ImportError:
                with suppress(ImportError):  # neither is there: plain lines
                    self._tqdm = importlib.import_module("tqdm").tqdm(
                        total=self._total, desc=self._what, file=sys.stderr
                    )
        return self

    def advance(self, *, failed: bool = False) -> None:
        self._done += 1
        self._failed += failed
        if self._rich is not None:
            self._rich.update(self._task, advance=1)
        elif self._tqdm is not None:
            self._tqdm.update(1)
        elif self._shown and time.monotonic() - self._last_line >= _LINE_SECONDS and self._done < self._total:
            self._line()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._rich.stop()
        elif self._tqdm is not None:
            self._tqdm.close()
        if self._shown and (self._failed or (self._rich is None and self._tqdm is None)):
            self._line()

    def _line(self) -> None:
        self._last_line = time.monotonic()
        failed = f", {self._failed} failed" if self._failed else ""
        print(f"{self._what}: {self._done} of {self._total}{failed}", file=sys.stderr, flush=True)

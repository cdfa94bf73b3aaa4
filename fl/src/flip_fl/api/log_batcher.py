"""What a ServerApp writes, on its way to people: plain text, in few events."""

import re
import threading
import time
from uuid import UUID

from flip_contracts.fl_api import EventKind
from flip_fl.store import Store

LOG_BATCH_SECONDS = 0.2
MAX_LINE = 4000
# Colours, cursor moves, titles, links (ECMA-48), single control characters: an app must not steer a reader's terminal.
CONTROL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def plain(line: str) -> str:
    return CONTROL.sub("", line)


class LogBatcher(threading.Thread):
    """ServerApp lines become one event every 0.2 s, not one a line."""

    def __init__(self, store: Store):
        super().__init__(name="log-batcher", daemon=True)
        self._store = store
        self._lines: dict[UUID, list[str]] = {}
        self._lock = threading.Lock()

    def add(self, run_id: UUID, line: str) -> None:
        with self._lock:
            self._lines.setdefault(run_id, []).append(plain(line[:MAX_LINE]))

    def flush(self) -> None:
        with self._lock:  # held while writing: two flushes must not change the order
            waiting, self._lines = self._lines, {}
            for run_id, lines in waiting.items():
                self._store.append(run_id, EventKind.LOG, {"lines": lines})

    def run(self) -> None:
        while True:
            time.sleep(LOG_BATCH_SECONDS)
            self.flush()

"""Flower waits a fixed 3 s (0.5 s, 1 s) between polls; here a wait starts short and grows."""

import time as _time
import types
from typing import Any

import flwr.supercore.retry.http_retry as flwr_retry

# Every fixed wait of flwr 1.42.0 on the path of a message, and how long it may grow here, in seconds.
LONGEST = {3: 0.4, 1: 0.3, 0.5: 0.1}
SHORTEST, GROWTH = 0.02, 1.25


RETRY_SECONDS = 2.0  # flwr's own grows to 20: whoever was away for ten seconds would be found after twenty


def retry_soon() -> None:
    """In this process: a SuperLink that is back is found soon."""
    flwr_retry.MAX_RETRY_DELAY = RETRY_SECONDS


class AdaptiveTime(types.ModuleType):
    """A `time` module whose `sleep` begins at 20 ms after each busy moment and grows to a bound."""

    def __init__(self) -> None:
        super().__init__("time")
        self._next = SHORTEST
        self._last = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(_time, name)

    def sleep(self, seconds: float) -> None:
        bound = LONGEST.get(seconds)
        if bound is None:
            return _time.sleep(seconds)
        now = _time.monotonic()
        if now - self._last > 4 * self._next:  # work happened in between: look again soon
            self._next = SHORTEST
        _time.sleep(min(self._next, bound))
        self._next = min(self._next * GROWTH, bound)
        self._last = _time.monotonic()

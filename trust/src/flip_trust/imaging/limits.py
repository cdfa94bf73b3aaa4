"""So that a clinical PACS is never strained: hours, studies at a time, megabytes a second."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from datetime import time as clock_time

from flip_trust.imaging.drivers.faults import Fault, PacsFault
from flip_trust.imaging.drivers.port import Spend

_BURST_SECONDS = 0.25


class Limits:
    """One per PACS, shared by every project and thread that pulls from it."""

    def __init__(
        self,
        *,
        concurrent: int = 2,
        bytes_per_second: float = 0,
        between: tuple[clock_time, clock_time] | None = None,
        now: Callable[[], datetime] = datetime.now,
    ):
        self._slots = threading.BoundedSemaphore(concurrent)
        self._rate, self._between, self._now = bytes_per_second, between, now
        self._lock = threading.Lock()
        self._paid_until = 0.0

    def open_now(self) -> bool:
        if self._between is None:
            return True
        start, end = self._between
        now = self._now().time()
        return start <= now < end if start < end else now >= start or now < end

    @contextmanager
    def pulling(self) -> Iterator[Spend]:
        """Waits for a free slot. Raises PacsFault outside the hours; what was begun within them is finished."""
        with self._slots:
            if not self.open_now():
                raise PacsFault(Fault.CLOSED_NOW)
            yield self._spend

    def _spend(self, count: int) -> None:
        """Sleep until `count` bytes are paid for: all pulls together keep to the rate over a quarter of a second."""
        if not self._rate:
            return
        with self._lock:
            now = time.monotonic()
            self._paid_until = max(self._paid_until, now - _BURST_SECONDS) + count / self._rate
            wait = self._paid_until - now
        if wait > 0:
            time.sleep(wait)

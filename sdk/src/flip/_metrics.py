"""The metric queue of a process: training never waits for it, and nothing is left in it at exit.

One background thread sends batches. Points leave the queue only once they are accepted, and carry an id, so a
batch that is sent twice counts once.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from typing import Final

from flip import _transport
from flip._environment import Endpoint
from flip._recording import record, recording
from flip.errors import FlipError, PlatformUnavailable, TokenRefused
from flip.protocol import MAX_METRIC_POINTS, MetricPoint, MetricsBody

__all__ = ["MetricQueue", "flush_all", "queue_for", "record", "recording"]

log = logging.getLogger("flip")

LINGER_SECONDS: Final = 0.1  # points of one epoch travel together
EXIT_SECONDS: Final = 30.0  # long enough for a restart of the local service
MAX_WAITING: Final = 50_000  # points, about 20 MB; beyond it the newest are dropped, with a warning
_SEND_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.5


class MetricQueue:
    """Points on their way to one endpoint and path."""

    def __init__(self, endpoint: Endpoint, path: str) -> None:
        self._endpoint = endpoint
        self._path = path
        self._waiting: deque[MetricPoint] = deque()
        self._sending = threading.Lock()  # one batch at a time, so that order is kept
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closing = False
        self._limit = MAX_METRIC_POINTS  # points per batch; fewer while a refused point is being found
        self._refused = 0

    def put(self, point: MetricPoint) -> None:
        """Never waits for the network."""
        if len(self._waiting) >= MAX_WAITING:
            log.warning("too many metrics are waiting to be sent; one was dropped. Send fewer per round.")
            return
        self._waiting.append(point)
        if self._thread is None and not self._closing:
            with self._starting:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="flip-metrics", daemon=True)
                    thread.start()
                    self._thread = thread
        self._wake.set()

    def flush(self, seconds: float) -> bool:
        """Send everything now, in the calling thread. False if some could not be sent in time."""
        deadline = time.monotonic() + seconds
        while self._waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if not self._sending.acquire(timeout=left):
                return False
            try:
                sent = self._send_batch(min(_SEND_SECONDS, max(left, 0.1)))
            finally:
                self._sending.release()
            if not sent:
                time.sleep(min(_PAUSE_SECONDS, max(deadline - time.monotonic(), 0)))
        return True

    def close(self, seconds: float) -> None:
        self._closing = True
        if not self.flush(seconds):
            log.warning("%d metrics could not be sent before the process ended", len(self._waiting))

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            time.sleep(LINGER_SECONDS)
            while self._waiting and not self._closing:
                with self._sending:
                    sent = self._send_batch(_SEND_SECONDS)
                if not sent:
                    time.sleep(_PAUSE_SECONDS)

    def _send_batch(self, seconds: float) -> bool:
        """False when the same batch is to be tried again later; else it was accepted, refused, or made smaller."""
        batch = tuple(self._waiting[i] for i in range(min(len(self._waiting), self._limit)))
        if not batch:
            return True
        body = MetricsBody(batch).to_json()
        try:
            _transport.request(
                self._endpoint, "POST", self._path, body=body, read_seconds=seconds, safe=True, pauses=()
            )
        except PlatformUnavailable:
            return False
        except TokenRefused:
            log.warning("%d metrics came after the end of the run and were not taken", len(batch))
        except FlipError as exc:
            if len(batch) > 1:  # one bad point must not take the others with it: ask in halves
                self._limit = len(batch) // 2
                return True
            self._refused += 1
            if str(self._refused).strip("0") == "1":  # the 1st, 10th, 100th ...
                log.warning("metrics refused by the platform so far: %d, last with %s", self._refused, exc.code)
        else:
            self._limit = min(self._limit * 4, MAX_METRIC_POINTS)
        for _ in batch:
            self._waiting.popleft()
        return True


_queues: dict[tuple[Endpoint, str], MetricQueue] = {}
_queues_lock = threading.Lock()


def queue_for(endpoint: Endpoint, path: str) -> MetricQueue:
    key = (endpoint, path)
    with _queues_lock:
        if not _queues:
            atexit.register(_close_all)
        return _queues.setdefault(key, MetricQueue(endpoint, path))


def flush_all(seconds: float) -> bool:
    """Send what waits in any queue of this process."""
    deadline = time.monotonic() + seconds
    return all([queue.flush(max(deadline - time.monotonic(), 0)) for queue in list(_queues.values())])


def _close_all() -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    for queue in list(_queues.values()):
        queue.close(max(deadline - time.monotonic(), 0.1))


def _forget_after_fork() -> None:
    """A forked child (a DataLoader worker) must neither send its parent's points nor wait for its locks."""
    global _queues_lock
    _queues.clear()
    _queues_lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)

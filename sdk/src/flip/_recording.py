"""What an app has sent through `send_metrics` since a handler began, so that nothing is charted twice."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

Sent = set[tuple[str, str, float]]  # (label in upper case, x_label, x)

_mine: ContextVar[Sent | None] = ContextVar("flip_recording", default=None)
_active: tuple[Sent, ...] = ()  # replaced, never changed: whoever sends reads it without a lock
_lock: Final = threading.Lock()


@contextmanager
def recording() -> Generator[Sent, None, None]:
    """Yield a set that fills with (label, x_label, x) of every `send_metrics` until the block ends.

    Several may be open at once, one per thread: simulated clients of a local run do not see each other's points.
    A thread that the app started itself has no recording of its own; its points count for every open one.
    """
    global _active
    sent: Sent = set()
    with _lock:
        _active = (*_active, sent)
    token = _mine.set(sent)
    try:
        yield sent
    finally:
        _mine.reset(token)
        with _lock:
            _active = tuple(other for other in _active if other is not sent)


def record(label: str, x_label: str, x: float) -> None:
    """Note a point that was sent. Costs next to nothing while nobody records."""
    if _active:
        mine = _mine.get()
        for sent in _active if mine is None else (mine,):
            sent.add((label.upper(), x_label, x))

"""Flower's own log lines: only what matters, and written where the live table expects it."""

from __future__ import annotations

import logging
import sys
from typing import Any


def flower_log_level(verbose: bool) -> None:
    """All of Flower's lines with `verbose`, errors only without."""
    logger = logging.getLogger("flwr")
    logger.setLevel(logging.INFO if verbose else logging.ERROR)
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(_CurrentStderr())


class _CurrentStderr:
    """Follows `sys.stderr`, which a live table replaces; Flower's handler keeps the one it found at import."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)

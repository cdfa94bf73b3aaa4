"""The hub that this command talks to. The HTTP library is loaded here, when a command needs it, not at start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flip.cli.hub.credentials import Access, current_access

if TYPE_CHECKING:
    from flip.cli.hub.client import Hub


@contextmanager
def connect(access: Access | None = None, retries: bool = True) -> Iterator[Hub]:
    from flip.cli.hub.client import Hub

    hub = Hub(access or current_access(), retries)
    try:
        yield hub
    finally:
        hub.close()

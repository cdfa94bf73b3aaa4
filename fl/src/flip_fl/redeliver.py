"""A SuperLink that was killed may have marked a message as delivered and not have sent it. A new one sends such again.

Nothing is done twice by that: a SuperNode drops a message that it has had, and a ServerApp asks for a reply until it
has it.
"""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def redeliver(database: Path) -> None:
    """Before the SuperLink opens its database."""
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=10)) as db, db:
            for table in ("message_ins", "message_res"):
                db.execute(f"UPDATE {table} SET delivered_at = '' WHERE delivered_at <> ''")
    except sqlite3.Error as error:
        log.warning("messages that were on their way are not sent again: %s", error)


class EachOnce:
    """At a SuperNode: around `receive`, which gives a message and its tree, or None."""

    def __init__(self) -> None:
        self._had: set[str] = set()
        self._last = ""

    def receiving(self, receive: Callable[[], Any]) -> Callable[[], Any]:
        def once() -> Any:
            received = receive()
            self._last = received[0].metadata.message_id if received is not None else ""
            return None if self._last in self._had else received

        return once

    def took(self) -> None:
        """The last message is whole here; before that it must come again."""
        if self._last:
            self._had.add(self._last)

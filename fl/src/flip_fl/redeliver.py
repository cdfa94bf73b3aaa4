"""A SuperLink that was killed may have marked a message as delivered and not have sent it. A new one sends such again.

Nothing is done twice by that: a SuperNode drops a message that it has had, and a ServerApp asks for a reply until it
has it.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from flwr.supercore.inflatable.inflatable_utils import ObjectPushError

log = logging.getLogger(__name__)
TRIES, PAUSE_SECONDS = 5, 0.5


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


def push_whole(push: Callable[..., None]) -> Callable[..., None]:
    """Around Flower's `_push_messages`: a SuperLink that began again in the middle of a reply's arrays knows their push
    session no more. Flower drops the reply then; here it is announced again, and the rest goes in the new session."""

    def whole(*, state: Any, object_store: Any, send: Callable[..., Any], push_object: Callable[..., None]) -> None:
        announced: dict[str, tuple[Any, ...]] = {}
        lock = threading.Lock()
        now: dict[str, str] = {}  # the session that Flower knows, and the one in force

        def sending(*reply: Any) -> Any:
            ids, session = send(*reply)
            announced[session] = reply
            return ids, session

        def pushing(run_id: int, session: str, object_id: str, contents: bytes) -> None:
            for _ in range(TRIES):
                used = now.get(session, session)
                try:
                    return push_object(run_id, used, object_id, contents)
                except ObjectPushError:
                    time.sleep(PAUSE_SECONDS)
                    with lock:  # several push side by side: one of them announces it
                        if now.get(session, session) == used:
                            _, now[session] = send(*announced[session])
            push_object(run_id, now[session], object_id, contents)

        push(state=state, object_store=object_store, send=sending, push_object=pushing)

    return whole

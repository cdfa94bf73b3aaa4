"""What a SuperLink that was killed had under way: messages marked as delivered and not sent, replies half arrived.

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


def redeliver(database: Path, objects: Path) -> None:
    """Before the SuperLink opens its database: send again what was marked as delivered and did not arrive whole.

    Who has a message whole says so, and its objects go then. A message without objects has arrived: to offer it again
    would make Flower drop it for want of them, and the reply to it as one that nobody asked for.
    """
    if not database.exists() or not objects.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=10)) as db, db:
            db.execute("ATTACH ? AS store", (str(objects),))
            for table in ("message_ins", "message_res"):
                db.execute(
                    f"UPDATE {table} SET delivered_at = '' WHERE delivered_at <> ''"
                    " AND message_id IN (SELECT id FROM store.object)"
                )
    except sqlite3.Error as error:
        log.warning("messages that were on their way are not sent again: %s", error)


def still_arriving(store_message: Callable[..., tuple[bool, list[str]]]) -> Callable[..., tuple[bool, list[str]]]:
    """Around `LinkState.store_message_and_object_tree`. A ServerApp is told of a reply before its arrays are here, and
    Flower forgets the message and its reply then. A SuperNode whose push was cut off announces the reply again: it is
    not a reply to nothing as long as the ServerApp waits for its objects."""

    def store(state: Any, message: Any, object_tree: Any, session_id: str) -> tuple[bool, list[str]]:
        stored, missing = store_message(state, message, object_tree, session_id)
        told = message.metadata
        if stored or not told.reply_to_message_id or told.message_id not in state.object_store:
            return stored, missing
        return True, state.preregister_object_tree(object_tree, session_id)

    return store


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
        wanted: dict[str, set[str]] = {}  # the objects that one still waits for

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
                            wanted[session], now[session] = send(*announced[session])
                    if wanted[session].isdisjoint(object_id.split(",")):  # it came, and nobody said so
                        return None
            push_object(run_id, now[session], object_id, contents)

        push(state=state, object_store=object_store, send=sending, push_object=pushing)

    return whole

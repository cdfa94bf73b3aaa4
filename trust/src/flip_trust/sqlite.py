"""How this node's own SQLite files are written: whole or not at all, whoever else is at work."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


@contextmanager
def transaction(db: sqlite3.Connection, lock: AbstractContextManager[Any]) -> Iterator[sqlite3.Connection]:
    """What is read and written in here, nobody else changes in between; inside another one, part of that one.

    After a failure, a full disk among them, nothing of it has happened and the connection can be used again.
    """
    with lock:
        if db.in_transaction:
            yield db
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # SQLite undoes some failures by itself
                db.execute("ROLLBACK")
            raise

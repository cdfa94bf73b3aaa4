"""The node's own SQLite files after a failure in the middle of writing."""

import sqlite3
import threading

import pytest

from flip_trust.sqlite import transaction


def test_a_failure_undoes_all_of_it_and_the_next_write_goes_through():
    db, lock = sqlite3.connect(":memory:", isolation_level=None), threading.RLock()
    db.execute("CREATE TABLE kept (x INTEGER CHECK (x < 10))")

    def write() -> None:
        with transaction(db, lock), transaction(db, lock):
            db.execute("INSERT INTO kept VALUES (1)")
            db.execute("INSERT INTO kept VALUES (10)")

    with pytest.raises(sqlite3.IntegrityError):
        write()
    assert not db.in_transaction
    with transaction(db, lock):
        db.execute("INSERT INTO kept VALUES (2)")
    assert db.execute("SELECT x FROM kept").fetchall() == [(2,)]

"""The hub's database on one connection whose transaction is never committed: what a test did is undone at its end.

A session of the hub is a savepoint there, so a request that fails undoes its own work alone. Two sessions may be nested
but not at work at the same time, and nothing is notified: tests of threads, other processes and LISTEN/NOTIFY are
marked `commits`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session, sessionmaker

from flip_hub.app import create_app
from flip_hub.db import Base, Database
from flip_hub.files.shelf import Shelf
from flip_hub.nets.directory import NetDirectory
from flip_hub.settings import HubSettings


class OneTransaction(Database):
    def __init__(self, real: Database, connection: Connection):
        self.url, self.engine = real.url, real.engine
        self.real, self._connection = real, connection
        self.admitted = asyncio.Semaphore(1)  # they share the connection
        self._sessions = sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self._sessions() as session, session.begin():
            yield session

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens in this block never was."""
        savepoint = self._connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()


@contextmanager
def one_transaction(database: Database) -> Iterator[OneTransaction]:
    with database.engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield OneTransaction(database, connection)
        finally:
            transaction.rollback()


def app_on(settings: HubSettings, database: Database) -> FastAPI:
    """Requests use `database`. The listener and the live feed, which run beside them, keep connections of their own."""
    if not isinstance(database, OneTransaction):
        return create_app(settings, database)
    app = create_app(settings, database.real)
    state = app.state
    state.database, state.shelf = database, Shelf(database, state.objects)
    state.nets = NetDirectory(settings, database, state.secrets, state.nets.connect)
    return app


def empty(database: Database) -> None:
    """Quicker than TRUNCATE, which makes every file anew; keys need no order when none is checked."""
    with database.engine.begin() as connection:
        emptied = "; ".join(f'DELETE FROM "{table.name}"' for table in Base.metadata.sorted_tables)
        connection.execute(text(f"SET LOCAL session_replication_role = replica; {emptied}"))

"""The database: one engine, one transaction per request, committed before the answer leaves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID, uuid4

from anyio import CancelScope
from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from starlette.concurrency import run_in_threadpool

REQUESTS_AT_ONCE = 8  # with a transaction, of one process; more would only share the interpreter


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), dict: JSONB, list: JSONB}


class WithId:
    """A random UUID key and the time of birth, on every row that people name."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))


def now() -> datetime:
    return datetime.now(UTC)


class Database:
    def __init__(self, url: str, pool_size: int = 20):
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        # Values of a failed statement stay out of the log: a hash, an e-mail, a query.
        self.engine = create_engine(
            self.url, pool_size=pool_size, max_overflow=10, pool_pre_ping=True, hide_parameters=True
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self.admitted = asyncio.Semaphore(max(1, min(REQUESTS_AT_ONCE, pool_size // 2)))

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self._sessions() as session, session.begin():
            yield session

    @contextmanager
    def alone(self, lock: int, thing: int = 0) -> Iterator[bool]:
        """True if no other process or thread is in here for this lock and thing; nobody waits."""
        key = {"lock": lock, "thing": thing % 2**31}
        with self.engine.connect() as guard:
            mine = bool(guard.execute(text("SELECT pg_try_advisory_lock(:lock, :thing)"), key).scalar())
            guard.commit()
            try:
                yield mine
            finally:
                if mine:
                    guard.execute(text("SELECT pg_advisory_unlock(:lock, :thing)"), key)
                    guard.commit()

    def begin(self) -> Session:
        """A session that whoever asks for it ends."""
        return self._sessions()

    def close(self) -> None:
        self.engine.dispose()


async def _transaction(request: Request) -> AsyncIterator[Session]:
    """Ends in the endpoint's own thread where that is one of `flip_hub.routing`; here where something went wrong.

    Only so many at once: a request keeps its connection from one thread's turn to the next, and if all connections
    were kept so, the threads would wait for them and they for a thread. Who waits here holds neither.
    """
    database: Database = request.app.state.database
    async with database.admitted:
        session = database.begin()
        try:
            yield session
        except BaseException:
            await _ended(session.close)
            raise
        if session.in_transaction():
            await _ended(partial(_finish, session))


async def _ended(end: Callable[[], None]) -> None:
    with CancelScope(shield=True):  # a request that is cancelled gives its connection back all the same
        await run_in_threadpool(end)


def _finish(session: Session) -> None:
    with session:
        session.commit()


# scope="function": the transaction ends before the answer is sent, so an acknowledged write is a kept write.
WriteSession = Annotated[Session, Depends(_transaction, scope="function")]
ReadSession = WriteSession

"""The site's own PostgreSQL as the OMOP engine, through a restricted role that sees views of the allowed columns only.

`flip-trust omop init-role` makes role and views. A role may change its own time limit and read-only default, so
neither is relied on: each query runs in a READ ONLY transaction of a connection of its own, prepared (one statement,
whatever the text), and a watchdog cancels it.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import psycopg
from psycopg import errors
from psycopg.types.datetime import DateLoader, TimestampLoader

from flip_contracts.sql_guard import CheckedQuery
from flip_trust.sql.engine import CohortSummary, EngineFailed, Guard, Rows, unreadable
from flip_trust.sql.statements import PERSONS, SUMMARY, Prepared, prepare, with_sources
from flip_trust.sql.summary import summarised
from flip_trust.sql.values import plain

VIEWS = "cohort"  # the schema of the views
GRACE_SECONDS = 2.0  # what a cancelled query gets before its connection is cut
CONNECT_SECONDS = 5
# pg_type.oid of what the views and the guard's functions give
TYPES = {
    **dict.fromkeys((20, 21, 23), "int64"),
    **dict.fromkeys((700, 701, 1700), "float64"),
    16: "boolean",
    1082: "date",
    **dict.fromkeys((1114, 1184), "timestamp"),
}
T = TypeVar("T")


class _Date(DateLoader):
    """Years beyond 9999, with which Python's end, stay text; so they do in DuckDB's child."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _Time(TimestampLoader):
    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class PostgresEngine:
    """`url` is that of the restricted role. No connection outlives its query: nothing of one is left for the next."""

    def __init__(self, url: str, guard: Guard, *, timeout_seconds: float = 20, max_rows: int = 2_000_000):
        self._url, self._guard, self._timeout, self._max_rows = url, guard, timeout_seconds, max_rows
        self._answered = True

    def check(self, sql: str) -> CheckedQuery:
        return self._guard(sql, "postgres", VIEWS)

    def is_there(self) -> bool:
        return self._answered

    def rows(self, checked: CheckedQuery) -> Rows:
        order = ", ".join(str(number + 1) for number in range(len(checked.columns)))
        limited = f"SELECT * FROM ({checked.emitted}) AS cohort LIMIT {self._max_rows + 1}"
        sql = f"SELECT * FROM ({limited}) AS cohort ORDER BY {order}"

        def read(cursor: "psycopg.Cursor[Any]") -> Rows:
            cursor.execute(sql.encode(), prepare=True)
            found = cursor.fetchall()
            if len(found) > self._max_rows:
                text = f"The cohort has more than {self._max_rows} rows at this trust. Narrow it."
                raise EngineFailed("query_too_large", text)
            columns = [(c.name, TYPES.get(c.type_code, "string")) for c in cursor.description or []]
            return Rows(columns, [[plain(value) for value in row] for row in found])

        return self._run(read)

    def persons_and(
        self, checked: CheckedQuery, queries: Mapping[str, str]
    ) -> tuple[np.ndarray, dict[str, list[list[Any]]]]:
        # One value of eight bytes a person: no row of it is ever a Python object.
        persons = prepare(checked, {"persons": PERSONS}, "postgres", VIEWS)
        packed = (
            "SELECT string_agg(int8send(p.person_id::bigint), ''::bytea ORDER BY p.person_id) "
            f"FROM ({persons.queries['persons']}) AS p"
        )
        prepared = prepare(checked, queries, "postgres", VIEWS)

        def read(cursor: "psycopg.Cursor[Any]") -> tuple[np.ndarray, dict[str, list[list[Any]]]]:
            cursor.execute(with_sources(persons, packed).encode(), prepare=True, binary=True)
            row = cursor.fetchone()
            ids = np.frombuffer(row[0] if row and row[0] else b"", ">i8").astype(np.int64)
            return ids, _answers(cursor, prepared)

        return self._run(read)

    def aggregate(self, checked: CheckedQuery, queries: Mapping[str, str]) -> dict[str, list[list[Any]]]:
        prepared = prepare(checked, queries, "postgres", VIEWS)
        return self._run(lambda cursor: _answers(cursor, prepared))

    def summary(self, checked: CheckedQuery) -> CohortSummary:
        return summarised(self.aggregate(checked, SUMMARY))

    def _run(self, read: Callable[["psycopg.Cursor[Any]"], T]) -> T:
        try:
            connection = psycopg.connect(
                self._url, connect_timeout=CONNECT_SECONDS, application_name="flip-trust", autocommit=True
            )
        except psycopg.Error:
            self._answered = False
            text = "The trust's OMOP database does not answer. Its admin finds out more with `flip-trust doctor`."
            raise EngineFailed("engine_unreachable", text) from None
        self._answered = True
        with contextlib.closing(connection), _watched(connection, self._timeout) as late:
            try:
                cursor = connection.cursor()
                cursor.adapters.register_loader("date", _Date)
                cursor.adapters.register_loader("timestamp", _Time)
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursor.execute("SET LOCAL TIME ZONE 'UTC'")
                return read(cursor)
            except (errors.OutOfMemory, errors.DiskFull, errors.ConfigurationLimitExceeded):
                text = "The query needs more memory than this trust gives. Narrow it."
                raise EngineFailed("query_too_large", text) from None
            except psycopg.Error as error:
                if late.is_set():
                    text = f"The query took longer than {self._timeout:.0f} s at this trust. Narrow it."
                    raise EngineFailed("query_timeout", text) from None
                if (error.sqlstate or "").startswith("42"):  # syntax, names, types: told before a row is read
                    raise unreadable() from None
                text = "The trust's database refused the query. Check types and casts; values are never shown."
                raise EngineFailed("engine_failed", text) from None


def _answers(cursor: "psycopg.Cursor[Any]", prepared: Prepared) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    for name, query in prepared.queries.items():
        cursor.execute(with_sources(prepared, query).encode(), prepare=True, binary=False)
        found[name] = [[plain(value) for value in row] for row in cursor.fetchall()]
    return found


@contextlib.contextmanager
def _watched(connection: "psycopg.Connection[Any]", seconds: float) -> Iterator[threading.Event]:
    """Cancel what runs on the connection when time is up; cut it if the server does not let go.

    The protocol's own cancel request does what pg_cancel_backend() does, but needs no right of the role, so that
    the role has none to cancel others with.
    """
    late = threading.Event()

    def cancel() -> None:
        late.set()
        with contextlib.suppress(psycopg.Error):
            connection.cancel_safe(timeout=GRACE_SECONDS)

    def cut() -> None:
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as raw:
            raw.shutdown(socket.SHUT_RDWR)

    timers = [threading.Timer(seconds, cancel), threading.Timer(seconds + GRACE_SECONDS, cut)]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield late
    finally:
        for timer in timers:
            timer.cancel()

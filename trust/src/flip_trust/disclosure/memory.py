"""What was told before, kept at the trust: subject sets as roaring bitmaps, counts as sketches, answers, debits.

A query is compared with what was told in its project, and with what its asker was told in other projects; or, where the
trust wants it, with all that it ever told.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

import numpy as np
from pyroaring import BitMap64

from flip_contracts.tasks import CohortCount, CohortCountResult
from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.tally import BUCKETS, Tally
from flip_trust.disclosure.told import Told
from flip_trust.store import Store, add_column

SCHEMA = """
CREATE TABLE IF NOT EXISTS disclosed_cohorts (
  seq INTEGER PRIMARY KEY, project_id TEXT NOT NULL, asked_by TEXT NOT NULL, definition TEXT NOT NULL,
  sql_sha256 TEXT NOT NULL, size INTEGER NOT NULL, persons BLOB NOT NULL, result TEXT NOT NULL, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS disclosed_cohorts_size ON disclosed_cohorts (size);
CREATE TABLE IF NOT EXISTS disclosed_counts (
  seq INTEGER PRIMARY KEY, project_id TEXT NOT NULL, asked_by TEXT NOT NULL, count INTEGER NOT NULL,
  sketch BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS disclosed_counts_project ON disclosed_counts (project_id);
CREATE TABLE IF NOT EXISTS disclosure_debits (
  query_id TEXT PRIMARY KEY, project_id TEXT NOT NULL, asked_by TEXT NOT NULL, day TEXT NOT NULL,
  epsilon REAL NOT NULL DEFAULT 0, weight INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS disclosure_debits_project ON disclosure_debits (project_id, day);
CREATE INDEX IF NOT EXISTS disclosure_debits_user ON disclosure_debits (asked_by, day);
"""


@dataclass(frozen=True)
class Scope:
    """Whose questions are compared with each other. An older hub does not say who asks."""

    project_id: str
    asked_by: str
    all_projects: bool

    @classmethod
    def of(cls, payload: CohortCount, policy: Policy) -> Self:
        return cls(str(payload.project_id), str(payload.asked_by or ""), policy.compare_all_projects)

    @property
    def names(self) -> tuple[str, str]:
        return self.project_id, self.asked_by

    @property
    def where(self) -> str:
        """SQL over `names`."""
        mine = "(project_id = ? OR (asked_by <> '' AND asked_by = ?))"
        return f"({mine} OR TRUE)" if self.all_projects else mine


@dataclass(frozen=True)
class Earlier:
    definition: str
    sql_sha256: str
    same_persons: bool
    result: CohortCountResult


def persons_of(ids: np.ndarray) -> BitMap64:
    """Of int64 person ids; through `array`, which pyroaring reads five times faster than numpy's own."""
    return BitMap64(array("Q", np.ascontiguousarray(ids).tobytes()))


class Memory:
    def __init__(self, store: Store):
        self._store = store
        with store.transaction() as db:
            for statement in SCHEMA.split(";"):
                db.execute(statement)
            if "weight" not in [row["name"] for row in db.execute("PRAGMA table_info(disclosure_debits)")]:
                db.execute("ALTER TABLE disclosure_debits ADD COLUMN weight INTEGER NOT NULL DEFAULT 1")
            add_column(db, "disclosure_debits", "persons", "INTEGER")
        self._told: dict[tuple[str, str, int], tuple[Told, int]] = {}

    # --- budget ---
    def debit(self, query_id: UUID, scope: Scope, now: datetime) -> None:
        """A task that comes again is debited once."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO disclosure_debits (query_id, project_id, asked_by, day) VALUES (?, ?, ?, ?)",
                (str(query_id), *scope.names, _day(now)),
            )

    def debit_failure(self, query_id: UUID, weight: int) -> None:
        with self._store.transaction() as db:
            db.execute("UPDATE disclosure_debits SET weight = ? WHERE query_id = ?", (weight, str(query_id)))

    def note_persons(self, query_id: UUID, persons: int) -> None:
        """Exact, for a dry run of another policy; stays here."""
        with self._store.transaction() as db:
            db.execute("UPDATE disclosure_debits SET persons = ? WHERE query_id = ?", (persons, str(query_id)))

    def is_debited(self, query_id: UUID) -> bool:
        with self._store.transaction() as db:
            return bool(_one(db, "SELECT count(*) FROM disclosure_debits WHERE query_id = ?", str(query_id)))

    def asked_today(self, scope: Scope, now: datetime) -> tuple[int, int]:
        """Queries of the project, and of the asker in all projects; one that failed counts as several."""
        with self._store.transaction() as db:
            counted = "SELECT coalesce(sum(weight), 0) FROM disclosure_debits WHERE day = ? AND"
            return (
                _one(db, f"{counted} project_id = ?", _day(now), scope.project_id),
                _one(db, f"{counted} asked_by = ?", _day(now), scope.asked_by),
            )

    def spend_epsilon(self, query_id: UUID, epsilon: float) -> None:
        with self._store.transaction() as db:
            db.execute(
                "UPDATE disclosure_debits SET epsilon = epsilon + ? WHERE query_id = ?", (epsilon, str(query_id))
            )

    def epsilon_spent(self, scope: Scope) -> float:
        with self._store.transaction() as db:
            asked = "SELECT coalesce(sum(epsilon), 0) FROM disclosure_debits WHERE project_id = ?"
            return float(_one(db, asked, scope.project_id))

    # --- cohorts ---
    def close_to(self, persons: BitMap64, scope: Scope, threshold: int) -> Iterator[Earlier]:
        """Cohorts told earlier that differ from this one in fewer persons than the threshold, the oldest first."""
        size = len(persons)
        with self._store.transaction() as db:
            rows = db.execute(
                f"SELECT * FROM disclosed_cohorts WHERE {scope.where} AND size > ? AND size < ? ORDER BY seq",
                (*scope.names, size - threshold, size + threshold),
            ).fetchall()
        for row in rows:
            apart = persons.symmetric_difference_cardinality(BitMap64.deserialize(row["persons"]))
            if apart < threshold:
                yield Earlier(
                    row["definition"],
                    row["sql_sha256"],
                    apart == 0,
                    CohortCountResult.model_validate_json(row["result"]),
                )

    def told(self, scope: Scope, threshold: int) -> Told:
        """Counts told in this scope; kept between queries and caught up with what was told since."""
        told, seen = self._told.pop((*scope.names, threshold), (Told(threshold), 0))
        with self._store.transaction() as db:
            rows = db.execute(
                f"SELECT * FROM disclosed_counts WHERE {scope.where} AND seq > ? ORDER BY seq",
                (*scope.names, seen),
            ).fetchall()
        for row in rows:
            told.add(Tally(row["count"], np.frombuffer(row["sketch"], np.int64, BUCKETS), row["project_id"]))
            seen = row["seq"]
        if len(self._told) >= _SCOPES_KEPT:
            self._told.pop(next(iter(self._told)))
        self._told[(*scope.names, threshold)] = told, seen
        return told

    def remember(
        self,
        scope: Scope,
        definition: str,
        sql_sha256: str,
        persons: BitMap64,
        counts: Iterable[Tally],
        result: CohortCountResult,
        now: datetime,
    ) -> None:
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO disclosed_cohorts (project_id, asked_by, definition, sql_sha256, size, persons, result,"
                " at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *scope.names,
                    definition,
                    sql_sha256,
                    len(persons),
                    persons.serialize(),
                    result.model_dump_json(),
                    now.isoformat(),
                ),
            )
            db.executemany(
                "INSERT INTO disclosed_counts (project_id, asked_by, count, sketch) VALUES (?, ?, ?, ?)",
                [(*scope.names, tally.count, tally.sketch.tobytes()) for tally in counts],
            )


_SCOPES_KEPT = 16


def midnight_after(now: datetime) -> datetime:
    return (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def _one(db: sqlite3.Connection, sql: str, *values: object) -> int:
    return db.execute(sql, values).fetchone()[0]

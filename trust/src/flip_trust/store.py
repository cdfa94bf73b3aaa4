"""What the agent must not forget: identity, decisions, frozen cohorts, runs, and the outbox. SQLite, mode 0600.

The command line writes here while the agent runs; `version()` tells the agent that something changed.
"""

import hashlib
import json
import os
import sqlite3
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flip_contracts.manifest import RunManifest
from flip_contracts.messages import ProjectDecision
from flip_contracts.statuses import Decision
from flip_contracts.tasks import ReviewProject
from flip_trust.sqlite import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS projects (
  project_id TEXT PRIMARY KEY, review TEXT NOT NULL, decision TEXT NOT NULL, signed TEXT, signature TEXT
);
CREATE TABLE IF NOT EXISTS decisions (
  seq INTEGER PRIMARY KEY, project_id TEXT NOT NULL, signed TEXT NOT NULL, signature TEXT NOT NULL, persons INTEGER,
  at_hub INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS asked (
  task_id TEXT PRIMARY KEY, type TEXT NOT NULL, project_id TEXT NOT NULL, run_id TEXT NOT NULL, at TEXT NOT NULL,
  code TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cohorts (
  project_id TEXT PRIMARY KEY, columns TEXT NOT NULL, rows TEXT NOT NULL, frozen_at TEXT NOT NULL, rows_sha256 TEXT
);
CREATE TABLE IF NOT EXISTS packed_cohorts (
  project_id TEXT PRIMARY KEY, rows INTEGER NOT NULL, body BLOB NOT NULL, sha256 TEXT
);
CREATE TABLE IF NOT EXISTS cohort_owners (
  project_id TEXT NOT NULL, accession_id TEXT NOT NULL, person_id INTEGER NOT NULL,
  PRIMARY KEY (project_id, accession_id, person_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cohort_shrinks (
  seq INTEGER PRIMARY KEY, project_id TEXT NOT NULL, record TEXT NOT NULL, signature TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS optouts (person_id INTEGER PRIMARY KEY, at TEXT NOT NULL, added_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT PRIMARY KEY, project_id TEXT NOT NULL, manifest TEXT NOT NULL, public_key TEXT NOT NULL,
  token_sha256 TEXT UNIQUE, pid INTEGER, pid_started TEXT, ended INTEGER NOT NULL DEFAULT 0,
  joined_at TEXT, cohort_sha256 TEXT
);
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, message TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS dead_letters (id TEXT PRIMARY KEY, message TEXT NOT NULL, code TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS done_tasks (task_id TEXT PRIMARY KEY);
"""
ADDED = (  # since the first version, whose databases do not have them
    ("cohorts", "rows_sha256"),
    ("packed_cohorts", "sha256"),
    ("runs", "joined_at"),
    ("runs", "cohort_sha256"),
)


@dataclass(frozen=True)
class ProjectRow:
    review: ReviewProject
    decision: Decision
    signed: ProjectDecision | None
    signature: str


@dataclass(frozen=True)
class CohortRow:
    columns: list[tuple[str, str]]
    rows: list[list[Any]]

    def values(self, column: str) -> list[Any]:
        names = [name for name, _ in self.columns]
        return [row[names.index(column)] for row in self.rows] if column in names else []


@dataclass(frozen=True)
class RunRow:
    manifest: RunManifest
    public_key: str
    pid: int | None
    pid_started: str
    ended: bool
    joined_at: str = ""
    cohort_sha256: str = ""  # of the frozen cohort when it joined


class Store:
    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        path.parent.chmod(0o700)  # it may have been made by hand
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._lock = threading.RLock()
        self._touched = 0
        self._accessions: dict[UUID, tuple[str, frozenset[str]]] = {}
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA secure_delete=ON")  # who was taken out is not left behind in a free page
        self._db.execute("PRAGMA synchronous=FULL")  # what is in the outbox survives a power cut
        self._db.executescript(SCHEMA)
        with self.transaction() as db:
            for table, column in ADDED:
                add_column(db, table, column, "TEXT")

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._db, self._lock)

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def version(self) -> tuple[int, int]:
        """Changes when another process has written, or this one has called `touch`."""
        row = self.one("PRAGMA data_version")
        return row[0] if row else 0, self._touched

    def touch(self) -> None:
        """Something was decided in this process that the agent has to act on."""
        self._touched += 1

    # --- identity ---
    def identity(self) -> dict[str, str]:
        return {r["key"]: r["value"] for r in self.all("SELECT * FROM identity")}

    def set_identity(self, **values: str) -> None:
        with self.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO identity VALUES (?, ?)", list(values.items()))

    # --- projects ---
    def put_review(self, review: ReviewProject) -> None:
        """A repeat changes nothing; a project staged again with another query has to be decided again."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO projects VALUES (?, ?, 'PENDING', NULL, NULL) ON CONFLICT (project_id) DO UPDATE SET"
                " review = excluded.review, decision = 'PENDING', signed = NULL, signature = NULL"
                " WHERE json_extract(projects.review, '$.query_id') <> json_extract(excluded.review, '$.query_id')",
                (str(review.project_id), review.model_dump_json()),
            )

    def close_project(self, project_id: UUID) -> None:
        """What was approved once stays on record as withdrawn; any other review disappears."""
        with self.transaction() as db:
            named = (str(project_id),)
            for table in ("cohorts", "packed_cohorts", "cohort_owners", "cohort_shrinks"):
                db.execute(f"DELETE FROM {table} WHERE project_id = ?", named)
            db.execute(
                "UPDATE projects SET decision = 'WITHDRAWN' WHERE project_id = ? AND decision = 'APPROVED'", named
            )
            db.execute("DELETE FROM projects WHERE project_id = ? AND decision <> 'WITHDRAWN'", named)

    def project(self, project_id: UUID) -> ProjectRow | None:
        row = self.one("SELECT * FROM projects WHERE project_id = ?", str(project_id))
        return _project(row) if row else None

    def projects(self) -> list[ProjectRow]:
        return [_project(r) for r in self.all("SELECT * FROM projects ORDER BY rowid")]

    def put_decision(
        self, made: ProjectDecision, signature: str, persons: int | None = None, at_hub: bool = False
    ) -> None:
        """`persons`: of the cohort at approval, which stays here."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO decisions (project_id, signed, signature, persons, at_hub) VALUES (?, ?, ?, ?, ?)",
                (str(made.project_id), made.model_dump_json(), signature, persons, at_hub),
            )
            db.execute(
                "UPDATE projects SET decision = ?, signed = ?, signature = ? WHERE project_id = ?",
                (made.decision, made.model_dump_json(), signature, str(made.project_id)),
            )

    def cohort(self, project_id: UUID) -> CohortRow | None:
        """As it is stored, whatever was approved; what an app gets comes from `FrozenCohorts`."""
        row = self.one("SELECT * FROM cohorts WHERE project_id = ?", str(project_id))
        return cohort_of(row) if row else None

    def accessions(self, project_id: UUID) -> frozenset[str] | None:
        """As they are stored, read once per state of the cohort; what an app may have comes from `FrozenCohorts`."""
        row = self.one("SELECT frozen_at FROM cohorts WHERE project_id = ?", str(project_id))
        if row is None:
            return None
        frozen_at, found = self._accessions.get(project_id, ("", frozenset[str]()))
        if frozen_at != row["frozen_at"]:
            cohort = self.cohort(project_id)
            found = frozenset(str(a) for a in cohort.values("accession_id") if a) if cohort else frozenset[str]()
            self._accessions[project_id] = row["frozen_at"], found
        return found

    def cohort_sha256(self, project_id: UUID) -> str | None:
        """By the stored hashes of its parts; None where there is no cohort, or one of an older version."""
        row = self.one(
            "SELECT c.rows_sha256, p.sha256 FROM cohorts AS c JOIN packed_cohorts AS p USING (project_id)"
            " WHERE project_id = ?",
            str(project_id),
        )
        return both(row[0], row[1]) if row and row[0] and row[1] else None

    def cohort_of_run(self, run: RunRow) -> CohortRow | None:
        """To compare a text of the run's with; None where the cohort is gone, or people were taken out of it since."""
        project_id = run.manifest.project_id
        same = not run.cohort_sha256 or run.cohort_sha256 == self.cohort_sha256(project_id)
        return self.cohort(project_id) if same else None

    # --- runs ---
    def put_run(self, manifest: RunManifest, public_key: str, cohort_sha256: str | None = None) -> None:
        """Kept for ever: a run id is good once."""
        ids = str(manifest.run_id), str(manifest.project_id)
        with self.transaction() as db:
            db.execute(
                "INSERT INTO runs (run_id, project_id, manifest, public_key, joined_at, cohort_sha256)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*ids, manifest.model_dump_json(), public_key, datetime.now(UTC).isoformat(), cohort_sha256),
            )

    def run(self, run_id: UUID) -> RunRow | None:
        row = self.one("SELECT * FROM runs WHERE run_id = ?", str(run_id))
        return _run(row) if row else None

    def open_runs(self) -> list[RunRow]:
        return [_run(r) for r in self.all("SELECT * FROM runs WHERE NOT ended")]

    def runs_since(self, moment: datetime) -> list[RunRow]:
        rows = self.all("SELECT * FROM runs WHERE joined_at >= ? ORDER BY joined_at", moment.isoformat())
        return [_run(row) for row in rows]

    def run_of_token(self, token_sha256: str) -> RunRow | None:
        row = self.one("SELECT * FROM runs WHERE token_sha256 = ? AND NOT ended", token_sha256)
        return _run(row) if row else None

    def update_run(self, run_id: UUID, **columns: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        with self.transaction() as db:
            db.execute(f"UPDATE runs SET {names} WHERE run_id = ?", (*columns.values(), str(run_id)))

    # --- outbox and tasks ---
    def put_message(self, message_id: UUID, message_json: str) -> None:
        with self.transaction() as db:
            db.execute(
                "INSERT INTO outbox (id, message) VALUES (?, ?) ON CONFLICT DO NOTHING", (str(message_id), message_json)
            )

    def messages(self, limit: int) -> list[tuple[str, str]]:
        rows = self.all("SELECT id, message FROM outbox ORDER BY seq LIMIT ?", limit)
        return [(r["id"], r["message"]) for r in rows]

    def settle_messages(self, accepted: list[str], rejected: dict[str, str]) -> None:
        with self.transaction() as db:
            for message_id, code in rejected.items():
                db.execute(
                    "INSERT OR IGNORE INTO dead_letters SELECT id, message, ? FROM outbox WHERE id = ?",
                    (code, message_id),
                )
            gone = [(i,) for i in (*accepted, *rejected)]
            db.executemany("DELETE FROM outbox WHERE id = ?", gone)

    def dead_letters(self) -> list[tuple[str, str]]:
        return [(r["id"], r["code"]) for r in self.all("SELECT id, code FROM dead_letters")]

    def put_asked(self, task_id: UUID, kind: str, project_id: str, run_id: str, code: str) -> None:
        """What the hub asked, and the code of the refusal if there was one."""
        with self.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?, ?)",
                (str(task_id), kind, project_id, run_id, datetime.now(UTC).isoformat(), code),
            )

    def task_is_done(self, task_id: UUID) -> bool:
        return self.one("SELECT 1 FROM done_tasks WHERE task_id = ?", str(task_id)) is not None

    def put_done_task(self, task_id: UUID) -> None:
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO done_tasks VALUES (?)", (str(task_id),))

    def close(self) -> None:
        with self._lock:
            self._db.close()


def both(rows_sha256: str, packed_sha256: str) -> str:
    """The hash of a frozen cohort, which is kept as rows and packed, out of the hashes of the two."""
    return hashlib.sha256(f"{rows_sha256}{packed_sha256}".encode()).hexdigest()


def cohort_of(row: sqlite3.Row) -> CohortRow:
    return CohortRow([(n, t) for n, t in json.loads(row["columns"])], json.loads(row["rows"]))


def add_column(db: sqlite3.Connection, table: str, column: str, kind: str) -> None:
    """For a database that an older version made."""
    if column not in [row["name"] for row in db.execute(f"PRAGMA table_info({table})")]:
        db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _project(row: sqlite3.Row) -> ProjectRow:
    return ProjectRow(
        review=ReviewProject.model_validate_json(row["review"]),
        decision=Decision(row["decision"]),
        signed=ProjectDecision.model_validate_json(row["signed"]) if row["signed"] else None,
        signature=row["signature"] or "",
    )


def _run(row: sqlite3.Row) -> RunRow:
    return RunRow(
        manifest=RunManifest.model_validate_json(row["manifest"]),
        public_key=row["public_key"],
        pid=row["pid"],
        pid_started=row["pid_started"] or "",
        ended=bool(row["ended"]),
        joined_at=row["joined_at"] or "",
        cohort_sha256=row["cohort_sha256"] or "",
    )

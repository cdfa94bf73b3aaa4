"""What the FL API must not forget: runs, their nodes and FABs, and the ordered events that the hub reads. SQLite."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flip_contracts.fl_api import EventKind, FlEvent

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT PRIMARY KEY, state TEXT NOT NULL, spec TEXT NOT NULL, fab BLOB NOT NULL, fab_sha256 TEXT NOT NULL,
  flwr_run_id TEXT, token_sha256 TEXT NOT NULL, stop_requested INTEGER NOT NULL DEFAULT 0,
  announced INTEGER NOT NULL DEFAULT 0, train_results INTEGER NOT NULL DEFAULT 0,
  failure TEXT, finished TEXT,
  attempt INTEGER NOT NULL DEFAULT 1, crashes INTEGER NOT NULL DEFAULT 0, after_round INTEGER NOT NULL DEFAULT 0,
  kept TEXT NOT NULL DEFAULT '', shape TEXT
);
CREATE TABLE IF NOT EXISTS nodes (
  run_id TEXT NOT NULL, trust TEXT NOT NULL, public_key TEXT NOT NULL, node_id TEXT NOT NULL,
  PRIMARY KEY (run_id, trust)
);
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL,
  payload TEXT NOT NULL
);
"""


# Of a net whose file is older: what came later, with its default.
LATER = {
    "attempt": "INTEGER NOT NULL DEFAULT 1",
    "crashes": "INTEGER NOT NULL DEFAULT 0",
    "after_round": "INTEGER NOT NULL DEFAULT 0",
    "kept": "TEXT NOT NULL DEFAULT ''",
    "shape": "TEXT",
}


def federation_of(run_id: UUID) -> str:
    """The Flower federation of one run alone; it freezes who takes part."""
    return f"@none/r-{run_id}"


@dataclass(frozen=True)
class RunRow:
    run_id: UUID
    state: str
    spec: dict[str, Any]
    fab: bytes
    fab_sha256: str
    flwr_run_id: int | None
    token_sha256: str
    stop_requested: bool
    announced: bool
    train_results: int
    failure: dict[str, str] | None
    finished: dict[str, Any] | None
    attempt: int  # 1 for the first; each crash that it goes on after begins another
    crashes: int  # in a row, without a finished round in between
    after_round: int  # the newest that is kept
    kept: str  # the newest checkpoint: call of `start` and round
    resumable: bool | None  # None: its ServerApp has not come so far as to tell
    why_not: str


class Store:
    """One connection behind one lock: a handful of writes a second."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")  # an event acknowledged is an event kept
        self._connection.executescript(SCHEMA)
        there = {row["name"] for row in self._connection.execute("PRAGMA table_info(runs)")}
        for name, kind in LATER.items():
            if name not in there:
                self._connection.execute(f"ALTER TABLE runs ADD COLUMN {name} {kind}")

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _read(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    # --- runs ---
    def put_run(self, run_id: UUID, spec: dict[str, Any], fab: bytes, fab_sha256: str, token_sha256: str) -> None:
        with self._write() as db:
            db.execute(
                "INSERT INTO runs (run_id, state, spec, fab, fab_sha256, token_sha256)"
                " VALUES (?, 'prepared', ?, ?, ?, ?)"
                " ON CONFLICT (run_id) DO NOTHING",
                (str(run_id), json.dumps(spec), fab, fab_sha256, token_sha256),
            )

    def run(self, run_id: UUID) -> RunRow | None:
        rows = self._read("SELECT * FROM runs WHERE run_id = ?", str(run_id))
        return _row(rows[0]) if rows else None

    def runs(self) -> list[RunRow]:
        return [_row(r) for r in self._read("SELECT * FROM runs")]

    def run_by_flwr_id(self, flwr_run_id: int) -> RunRow | None:
        rows = self._read("SELECT * FROM runs WHERE flwr_run_id = ?", str(flwr_run_id))
        return _row(rows[0]) if rows else None

    def run_by_token(self, token_sha256: str) -> RunRow | None:
        rows = self._read("SELECT * FROM runs WHERE token_sha256 = ? AND state = 'running'", token_sha256)
        return _row(rows[0]) if rows else None

    def update(self, run_id: UUID, **columns: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        with self._write() as db:
            db.execute(f"UPDATE runs SET {names} WHERE run_id = ?", (*columns.values(), str(run_id)))

    def add_train_results(self, run_id: UUID, count: int) -> None:
        with self._write() as db:
            db.execute("UPDATE runs SET train_results = train_results + ? WHERE run_id = ?", (count, str(run_id)))

    def keep_checkpoint(self, run_id: UUID, call: int, number: int) -> None:
        """Progress: what crashed before does not count any more."""
        with self._write() as db:
            db.execute(
                "UPDATE runs SET crashes = 0, after_round = ?, kept = ? WHERE run_id = ? AND kept <> ?",
                (number, f"{call}.{number}", str(run_id), f"{call}.{number}"),
            )

    def begin_attempt(self, run_id: UUID, flwr_run_id: int, payload: dict[str, Any], **columns: Any) -> None:
        """The run goes on as another run of Flower; that it does and its event are one write."""
        values = {"flwr_run_id": str(flwr_run_id), "failure": None, **columns}
        names = ", ".join(f"{name} = ?" for name in values)
        with self._write() as db:
            db.execute(
                f"UPDATE runs SET {names}, attempt = attempt + 1, crashes = crashes + 1 WHERE run_id = ?",
                (*values.values(), str(run_id)),
            )
            self._append(db, run_id, EventKind.ATTEMPT, payload)

    def finish(self, run_id: UUID, finished: dict[str, Any]) -> None:
        """The end of a run and its last event are one write, so it is told exactly once."""
        with self._write() as db:
            done = db.execute("SELECT state FROM runs WHERE run_id = ?", (str(run_id),)).fetchone()
            if done is None or done["state"] == "finished":
                return
            db.execute(
                "UPDATE runs SET state = 'finished', finished = ? WHERE run_id = ?",
                (json.dumps(finished), str(run_id)),
            )
            self._append(db, run_id, EventKind.RUN_FINISHED, finished)

    def delete_run(self, run_id: UUID) -> None:
        with self._write() as db:
            db.execute("DELETE FROM nodes WHERE run_id = ?", (str(run_id),))
            db.execute("DELETE FROM runs WHERE run_id = ?", (str(run_id),))

    # --- nodes ---
    def put_node(self, run_id: UUID, trust: str, public_key: str, node_id: int) -> None:
        with self._write() as db:
            db.execute(
                "INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?)",
                (str(run_id), trust, public_key, str(node_id)),
            )

    def nodes(self, run_id: UUID) -> list[tuple[str, str, int]]:
        rows = self._read("SELECT * FROM nodes WHERE run_id = ? ORDER BY trust", str(run_id))
        return [(r["trust"], r["public_key"], int(r["node_id"])) for r in rows]

    # --- what the SuperLink launcher asks ---
    def federation_nodes(self, federation: str) -> set[int] | None:
        run_id = federation.removeprefix("@none/r-")
        if not self._read("SELECT 1 FROM runs WHERE run_id = ?", run_id):
            return None
        return {int(r["node_id"]) for r in self._read("SELECT node_id FROM nodes WHERE run_id = ?", run_id)}

    def is_vetted(self, fab_sha256: str) -> bool:
        return bool(self._read("SELECT 1 FROM runs WHERE fab_sha256 = ?", fab_sha256))

    # --- events ---
    def append(self, run_id: UUID, kind: EventKind, payload: dict[str, Any]) -> None:
        with self._write() as db:
            self._append(db, run_id, kind, payload)

    @staticmethod
    def _append(db: sqlite3.Connection, run_id: UUID, kind: EventKind, payload: dict[str, Any]) -> None:
        db.execute(
            "INSERT INTO events (run_id, at, kind, payload) VALUES (?, ?, ?, ?)",
            (str(run_id), datetime.now(UTC).isoformat(), kind.value, json.dumps(payload)),
        )

    def events_after(self, seq: int, limit: int = 500) -> list[FlEvent]:
        rows = self._read("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
        return [
            FlEvent(
                seq=r["seq"],
                run_id=r["run_id"],
                at=r["at"],
                kind=EventKind(r["kind"]),
                payload=json.loads(r["payload"]),
            )
            for r in rows
        ]

    def last_seq(self) -> int:
        """The newest number ever given in this file, deleted events included."""
        rows = self._read("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        return rows[0]["seq"] if rows else 0

    def forget_events_up_to(self, seq: int) -> None:
        """The hub has stored these with their effect; asking for later ones is its receipt."""
        with self._write() as db:
            db.execute("DELETE FROM events WHERE seq <= ?", (seq,))

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _row(r: sqlite3.Row) -> RunRow:
    shape = json.loads(r["shape"]) if r["shape"] else {}
    return RunRow(
        run_id=UUID(r["run_id"]),
        state=r["state"],
        spec=json.loads(r["spec"]),
        fab=r["fab"],
        fab_sha256=r["fab_sha256"],
        flwr_run_id=int(r["flwr_run_id"]) if r["flwr_run_id"] else None,
        token_sha256=r["token_sha256"],
        stop_requested=bool(r["stop_requested"]),
        announced=bool(r["announced"]),
        train_results=r["train_results"],
        failure=json.loads(r["failure"]) if r["failure"] else None,
        finished=json.loads(r["finished"]) if r["finished"] else None,
        attempt=r["attempt"],
        crashes=r["crashes"],
        after_round=r["after_round"],
        kept=r["kept"],
        resumable=shape.get("resumable"),
        why_not=shape.get("why", ""),
    )

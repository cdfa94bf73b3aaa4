"""Where each accession of each project stands, and how it came there. Holds keyed hashes, never accession numbers."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from flip_contracts.statuses import ImagingStage
from flip_trust.sqlite import transaction

# `count` of a step: DICOM instances up to DEIDENTIFIED, NIfTI files from CONVERTED on.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS accession (
  project_id TEXT NOT NULL,
  accession_key TEXT NOT NULL,
  stage TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (project_id, accession_key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS step (
  project_id TEXT NOT NULL, accession_key TEXT NOT NULL, seq INTEGER NOT NULL,
  at REAL NOT NULL, stage TEXT NOT NULL, count INTEGER, reason TEXT NOT NULL,
  PRIMARY KEY (project_id, accession_key, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting (project_id TEXT PRIMARY KEY, code TEXT NOT NULL, since REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS accession_by_stage ON accession (project_id, stage, reason);
"""
_SETTLED = (ImagingStage.READY, ImagingStage.EXCLUDED)
_LONGEST_HISTORY = 50  # steps of one accession: an archive that is away for a week must not fill the disk


@dataclass(frozen=True)
class Step:
    """`at`: seconds since 1970, UTC."""

    at: float
    stage: ImagingStage
    count: int | None
    reason: str


class Ledger:
    """Thread-safe: one connection behind a lock. WAL lets another process read while this one writes."""

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def record(
        self, project_id: UUID, accession_key: str, stage: ImagingStage, reason: str = "", count: int | None = None
    ) -> None:
        named = (str(project_id), accession_key)
        with transaction(self._db, self._lock):
            self._db.execute(
                "INSERT INTO accession VALUES (?, ?, ?, ?) ON CONFLICT (project_id, accession_key) "
                "DO UPDATE SET stage = excluded.stage, reason = excluded.reason",
                (*named, stage.value, str(reason)),
            )
            self._step([(*named, stage.value, count, str(reason))])
            self._db.execute(
                "DELETE FROM step WHERE project_id = ? AND accession_key = ? AND seq <= "
                "(SELECT max(seq) FROM step WHERE project_id = ? AND accession_key = ?) - ?",
                (*named, *named, _LONGEST_HISTORY),
            )

    def request(self, project_id: UUID, accession_keys: Iterable[str]) -> None:
        """Enter accessions that are not known yet; what is known stays where it is."""
        asked = "SELECT accession_key FROM accession WHERE project_id = ?"
        with transaction(self._db, self._lock):
            known = {key for (key,) in self._db.execute(asked, (str(project_id),))}
            new = [key for key in dict.fromkeys(accession_keys) if key not in known]
            stage = ImagingStage.REQUESTED.value
            self._db.executemany(
                "INSERT INTO accession VALUES (?, ?, ?, '')", [(str(project_id), key, stage) for key in new]
            )
            self._step([(str(project_id), key, stage, None, "") for key in new])

    def _step(self, rows: list[tuple[str, str, str, int | None, str]]) -> None:
        now = time.time()
        self._db.executemany(
            "INSERT INTO step SELECT ?1, ?2, coalesce(max(seq), 0) + 1, ?3, ?4, ?5, ?6 FROM step "
            "WHERE project_id = ?1 AND accession_key = ?2",
            [(project, key, now, stage, count, reason) for project, key, stage, count, reason in rows],
        )

    def stage_of(self, project_id: UUID, accession_key: str) -> tuple[ImagingStage, str] | None:
        with self._lock:
            row = self._db.execute(
                "SELECT stage, reason FROM accession WHERE project_id = ? AND accession_key = ?",
                (str(project_id), accession_key),
            ).fetchone()
        return (ImagingStage(row[0]), row[1]) if row else None

    def steps(self, project_id: UUID, accession_key: str) -> list[Step]:
        """The latest steps of one accession, oldest first."""
        asked = "SELECT at, stage, count, reason FROM step WHERE project_id = ? AND accession_key = ? ORDER BY seq"
        with self._lock:
            rows = self._db.execute(asked, (str(project_id), accession_key)).fetchall()
        return [Step(at, ImagingStage(stage), count, reason) for at, stage, count, reason in rows]

    def counts(self, project_id: UUID) -> tuple[dict[str, int], dict[str, int], bool]:
        """Accessions by stage, exclusions by reason, and whether every accession is settled."""
        with self._lock, closing(self._db.cursor()) as cursor:
            rows = cursor.execute(
                "SELECT stage, reason, count(*) FROM accession WHERE project_id = ? GROUP BY 1, 2", (str(project_id),)
            ).fetchall()
        stages: dict[str, int] = {}
        excluded: dict[str, int] = {}
        for stage, reason, count in rows:
            stages[stage] = stages.get(stage, 0) + count
            if stage == ImagingStage.EXCLUDED:
                excluded[reason] = excluded.get(reason, 0) + count
        return stages, excluded, bool(stages) and all(stage in _SETTLED for stage in stages)

    def page(
        self, project_id: UUID, *, after: str = "", limit: int = 100, stage: ImagingStage | None = None
    ) -> list[tuple[str, str, str]]:
        """Keys with stage and reason, in the order of keys; the next page begins after the last key of this one."""
        asked = "SELECT accession_key, stage, reason FROM accession WHERE project_id = ? AND accession_key > ?"
        values: list[str | int] = [str(project_id), after]
        if stage is not None:
            asked, values = f"{asked} AND stage = ?", [*values, stage.value]
        with self._lock, closing(self._db.cursor()) as cursor:
            rows = cursor.execute(f"{asked} ORDER BY accession_key LIMIT ?", [*values, limit])
            return [tuple(row) for row in rows]

    def standings(self, project_id: UUID) -> list[tuple[str, str, str]]:
        """Every accession's key, stage, and reason of exclusion."""
        with self._lock, closing(self._db.cursor()) as cursor:
            asked = "SELECT accession_key, stage, reason FROM accession WHERE project_id = ?"
            return [tuple(row) for row in cursor.execute(asked, (str(project_id),))]

    def wait_for(self, project_id: UUID, code: str) -> bool:
        """Say what the project's images wait for ('' for nothing). True when that is news."""
        with self._lock:
            row = self._db.execute("SELECT code FROM waiting WHERE project_id = ?", (str(project_id),)).fetchone()
            if (row[0] if row else "") == code:
                return False
            self._db.execute("DELETE FROM waiting WHERE project_id = ?", (str(project_id),))
            if code:
                self._db.execute("INSERT INTO waiting VALUES (?, ?, ?)", (str(project_id), code, time.time()))
            return True

    def waiting(self) -> dict[UUID, tuple[str, float]]:
        """By project: the code of what its images wait for, and since when."""
        with self._lock:
            rows = self._db.execute("SELECT project_id, code, since FROM waiting").fetchall()
        return {UUID(project): (code, since) for project, code, since in rows}

    def forget(self, project_id: UUID) -> None:
        """The project has ended here, and its images are deleted."""
        with transaction(self._db, self._lock):
            for table in ("accession", "step", "waiting"):
                self._db.execute(f"DELETE FROM {table} WHERE project_id = ?", (str(project_id),))

    def close(self) -> None:
        with self._lock:
            self._db.close()

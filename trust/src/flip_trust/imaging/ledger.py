"""Where each accession of each project stands. Holds keyed hashes, never accession numbers."""

import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from uuid import UUID

from flip_contracts.statuses import ImagingStage

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accession (
  project_id TEXT NOT NULL,
  accession_key TEXT NOT NULL,
  stage TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (project_id, accession_key)
) WITHOUT ROWID
"""
_SETTLED = (ImagingStage.READY, ImagingStage.EXCLUDED)


class Ledger:
    """Thread-safe: one connection behind a lock. WAL lets another process read while this one writes."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(_SCHEMA)

    def record(self, project_id: UUID, accession_key: str, stage: ImagingStage, reason: str = "") -> None:
        with self._lock:
            self._db.execute(
                "INSERT INTO accession VALUES (?, ?, ?, ?) ON CONFLICT (project_id, accession_key) "
                "DO UPDATE SET stage = excluded.stage, reason = excluded.reason",
                (str(project_id), accession_key, stage.value, str(reason)),
            )

    def request(self, project_id: UUID, accession_keys: Iterable[str]) -> None:
        """Enter accessions that are not known yet; what is known stays where it is."""
        rows = [(str(project_id), key, ImagingStage.REQUESTED.value) for key in accession_keys]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO accession VALUES (?, ?, ?, '')", rows)
            self._db.execute("COMMIT")

    def stage_of(self, project_id: UUID, accession_key: str) -> tuple[ImagingStage, str] | None:
        with self._lock:
            row = self._db.execute(
                "SELECT stage, reason FROM accession WHERE project_id = ? AND accession_key = ?",
                (str(project_id), accession_key),
            ).fetchone()
        return (ImagingStage(row[0]), row[1]) if row else None

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

    def standings(self, project_id: UUID) -> list[tuple[str, str, str]]:
        """Every accession's key, stage, and reason of exclusion."""
        with self._lock, closing(self._db.cursor()) as cursor:
            asked = "SELECT accession_key, stage, reason FROM accession WHERE project_id = ?"
            return [tuple(row) for row in cursor.execute(asked, (str(project_id),))]

    def close(self) -> None:
        with self._lock:
            self._db.close()

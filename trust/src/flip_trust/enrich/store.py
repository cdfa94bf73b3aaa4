"""What was added, by whom and when, every version of it. Holds keyed hashes, never accession numbers.

Apart from the image cache on purpose: a label is work of people, and stays when a project or its images go.
"""

import hashlib
import hmac
import os
import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from flip_trust.sqlite import transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
  accession_key TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  made_at TEXT NOT NULL,
  made_by TEXT NOT NULL,
  run_id TEXT NOT NULL DEFAULT '',
  shared INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (accession_key, project_id, name, version)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Resource:
    """One version of one file. `made_by`: a member of staff, or `run`; then `run_id` says which."""

    project_id: UUID
    name: str
    version: int
    sha256: str
    size: int
    made_at: datetime
    made_by: str
    run_id: str
    shared: bool


class Enrichments:
    """Thread-safe, and safe beside another process. Files lie under the hash of their content."""

    def __init__(self, folder: Path, key: bytes):
        (folder / "files").mkdir(parents=True, mode=0o700, exist_ok=True)
        self._folder, self._key = folder, key
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "enrich.db", check_same_thread=False, isolation_level=None, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_SCHEMA)

    def add(
        self,
        project_id: UUID,
        accession: str,
        name: str,
        content: bytes,
        *,
        by: str,
        run_id: str = "",
        shared: bool = False,
    ) -> Resource:
        """Keep a new version; the same content as the newest version is that version."""
        key, sha256 = self._accession_key(accession), hashlib.sha256(content).hexdigest()
        self._write(sha256, content)
        with transaction(self._db, self._lock):
            newest = self._db.execute(
                "SELECT * FROM resource WHERE accession_key = ? AND project_id = ? AND name = ?"
                " ORDER BY version DESC LIMIT 1",
                (key, str(project_id), name),
            ).fetchone()
            if newest is None or newest["sha256"] != sha256:
                version = newest["version"] + 1 if newest else 1
                made = datetime.now(UTC).isoformat()
                row = (key, str(project_id), name, version, sha256, len(content), made, by, run_id, int(shared))
                self._db.execute(f"INSERT INTO resource VALUES ({', '.join('?' * len(row))})", row)
        return next(one for one in self.history(project_id, accession) if one.name == name)

    def history(self, project_id: UUID, accession: str) -> list[Resource]:
        """Every version that this project may see, newest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM resource WHERE accession_key = ? AND (project_id = ? OR shared)"
                " ORDER BY name, project_id = ? DESC, version DESC",
                (self._accession_key(accession), str(project_id), str(project_id)),
            ).fetchall()
        return [_resource(row) for row in rows]

    def current(self, project_id: UUID, accession: str) -> list[Resource]:
        """The newest of each name; a project's own before a shared one."""
        newest: dict[str, Resource] = {}
        for one in self.history(project_id, accession):
            newest.setdefault(one.name, one)
        return list(newest.values())

    def bytes_of_run(self, run_id: str) -> int:
        with self._lock:
            row = self._db.execute("SELECT coalesce(sum(size), 0) FROM resource WHERE run_id = ?", (run_id,)).fetchone()
        return int(row[0])

    def file(self, resource: Resource) -> Path:
        return self._folder / "files" / resource.sha256

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _accession_key(self, accession: str) -> str:
        return hmac.new(self._key, b"enrichment:" + accession.encode(), hashlib.sha256).hexdigest()

    def _write(self, sha256: str, content: bytes) -> None:
        target = self._folder / "files" / sha256
        if target.exists():
            return
        part = target.with_name(f".{sha256}.{os.getpid()}.{threading.get_ident()}")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o444)
        part.replace(target)


def _resource(row: sqlite3.Row) -> Resource:
    return Resource(
        project_id=UUID(row["project_id"]),
        name=row["name"],
        version=row["version"],
        sha256=row["sha256"],
        size=row["size"],
        made_at=datetime.fromisoformat(row["made_at"]),
        made_by=row["made_by"],
        run_id=row["run_id"],
        shared=bool(row["shared"]),
    )

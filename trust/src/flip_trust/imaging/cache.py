"""The READY folders of every project: what is in them (hashes), who reads them (leases), and what may go."""

import hashlib
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from isal import isal_zlib

from flip_trust.imaging.locks import AccessionLocks
from flip_trust.sqlite import transaction

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
  project_id TEXT NOT NULL, accession_key TEXT NOT NULL, bytes INTEGER NOT NULL, made_at REAL NOT NULL,
  used_at REAL NOT NULL, PRIMARY KEY (project_id, accession_key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_by_use ON entry (used_at);
CREATE TABLE IF NOT EXISTS file (
  project_id TEXT NOT NULL, accession_key TEXT NOT NULL, name TEXT NOT NULL,
  bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, crc32 INTEGER NOT NULL,
  PRIMARY KEY (project_id, accession_key, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (
  run_id TEXT NOT NULL, project_id TEXT NOT NULL, accession_key TEXT NOT NULL,
  PRIMARY KEY (project_id, accession_key, run_id)
) WITHOUT ROWID;
"""
_CHUNK = 1 << 20
_GONE = ".gone-"
VIEWS = ".views"  # beside a project's studies: the same files, with what was added to them
_DICOM = "dicom/"


@dataclass(frozen=True)
class CachedFile:
    """`name`: from the study's folder. The SHA-256 is for people and certificates, the CRC for every read."""

    name: str
    bytes: int
    sha256: str
    crc32: int


@dataclass(frozen=True)
class Usage:
    """Of one project. `leased`: studies that a run in progress has asked for."""

    studies: int
    bytes: int
    leased: int
    last_used: float


class Cache:
    """Thread-safe, and safe beside another process. Folder names and rows hold keyed hashes only."""

    def __init__(
        self, folder: Path, locks: AccessionLocks, live_runs: Callable[[], Iterable[UUID]] = lambda: (), limit: int = 0
    ):
        """`limit`: bytes of all projects together; 0 is without."""
        self.folder, self._locks, self._live_runs, self.limit = folder, locks, live_runs, limit
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ".index.db"
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        for left_over in folder.glob(f"*/{_GONE}*"):  # of an eviction that was killed
            shutil.rmtree(left_over, ignore_errors=True)

    def place(self, project_id: UUID, key: str) -> Path:
        return self.folder / str(project_id) / key

    def has(self, project_id: UUID, key: str) -> bool:
        return self.place(project_id, key).is_dir()

    # --- writing: the caller holds the accession's lock ---
    def publish(self, project_id: UUID, key: str, built: Path, files: list[CachedFile]) -> None:
        """Durable first, then visible: a folder under its final name is always whole. Apps may read, not change it."""
        place = self.place(project_id, key)
        for file in built.rglob("*"):
            if file.is_file():
                file.chmod(0o444)
                _sync(file)
        _sync(built)
        os.rename(built, place)
        _sync(place.parent)
        self.enter(project_id, key, files)

    def enter(self, project_id: UUID, key: str, files: list[CachedFile]) -> None:
        named, now = (str(project_id), key), time.time()
        with transaction(self._db, self._lock):
            self._db.execute("DELETE FROM file WHERE project_id = ? AND accession_key = ?", named)
            self._db.executemany(
                "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?)",
                [(*named, f.name, f.bytes, f.sha256, f.crc32) for f in files],
            )
            size = sum(f.bytes for f in files)
            self._db.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)", (*named, size, now, now))

    def drop(self, project_id: UUID, key: str) -> None:
        place = self.place(project_id, key)
        if place.is_dir():
            gone = place.with_name(f"{_GONE}{key}-{os.getpid()}-{time.monotonic_ns()}")
            os.rename(place, gone)  # nobody finds half a folder
            shutil.rmtree(gone, ignore_errors=True)
        for view in (place.parent / VIEWS).glob(f"{key}-*"):  # hard links to what is gone, perhaps damaged
            shutil.rmtree(view, ignore_errors=True)
        with transaction(self._db, self._lock):
            for table in ("entry", "file", "lease"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE project_id = ? AND accession_key = ?", (str(project_id), key)
                )

    # --- reading ---
    def files(self, project_id: UUID, key: str) -> list[CachedFile]:
        asked = "SELECT name, bytes, sha256, crc32 FROM file WHERE project_id = ? AND accession_key = ? ORDER BY name"
        with self._lock:
            return [CachedFile(*row) for row in self._db.execute(asked, (str(project_id), key)).fetchall()]

    def is_whole(self, project_id: UUID, key: str, *, dicom: bool, thorough: bool = False) -> bool:
        """Read the files again and compare: CRC-32, which no flipped byte escapes; SHA-256 if `thorough`.

        `dicom`: look at the DICOM files too, which are most of the bytes and seldom asked for.
        """
        place, files = self.place(project_id, key), self.files(project_id, key)
        if not files:
            return False  # made by an older version, or killed before its row was written
        wanted = [file for file in files if dicom or not file.name.startswith(_DICOM)]
        try:
            return all(
                _sum(place / file.name, thorough) == (file.sha256 if thorough else file.crc32) for file in wanted
            )
        except OSError:
            return False

    def used(self, project_id: UUID, key: str, run_id: UUID | None) -> None:
        """A lease, if a run asks: until that run ends, the study stays."""
        with transaction(self._db, self._lock):
            if run_id is not None:
                self._db.execute("INSERT OR IGNORE INTO lease VALUES (?, ?, ?)", (str(run_id), str(project_id), key))
            self._db.execute(
                "UPDATE entry SET used_at = ? WHERE project_id = ? AND accession_key = ?",
                (time.time(), str(project_id), key),
            )

    def usage(self) -> dict[UUID, Usage]:
        asked = (
            "SELECT project_id, count(*), sum(bytes), sum(EXISTS (SELECT 1 FROM lease WHERE "
            "lease.project_id = entry.project_id AND lease.accession_key = entry.accession_key)), max(used_at) "
            "FROM entry GROUP BY project_id"
        )
        self._end_leases()
        with self._lock:
            return {UUID(project): Usage(*rest) for project, *rest in self._db.execute(asked).fetchall()}

    def keys(self, project_id: UUID) -> list[str]:
        asked = "SELECT accession_key FROM entry WHERE project_id = ? ORDER BY 1"
        with self._lock:
            return [key for (key,) in self._db.execute(asked, (str(project_id),)).fetchall()]

    def total(self) -> int:
        with self._lock:
            return self._db.execute("SELECT coalesce(sum(bytes), 0) FROM entry").fetchone()[0]

    # --- room ---
    def _end_leases(self) -> None:
        live = {str(run) for run in self._live_runs()}
        with self._lock:
            runs = {run for (run,) in self._db.execute("SELECT DISTINCT run_id FROM lease").fetchall()}
            self._db.executemany("DELETE FROM lease WHERE run_id = ?", [(run,) for run in runs - live])

    def evict(
        self, need: int = 0, *, unused_since: float | None = None, keep: UUID | None = None, limit: int | None = None
    ) -> int:
        """Remove the longest unused studies until `need` more bytes fit; or all unused since a time. Returns bytes.

        Never one that a run in progress has asked for, nor one of the project `keep`. An evicted study is made again
        when it is asked for.
        """
        self._end_leases()
        limit = self.limit if limit is None else limit
        asked = (
            "SELECT project_id, accession_key, bytes, used_at FROM entry WHERE NOT EXISTS (SELECT 1 FROM lease WHERE "
            "lease.project_id = entry.project_id AND lease.accession_key = entry.accession_key) ORDER BY used_at"
        )
        with self._lock:
            rows = self._db.execute(asked).fetchall()
        excess, freed = (self.total() + need - limit if limit else 0), 0
        for project, key, size, used_at in rows:
            project_id = UUID(project)
            old = unused_since is not None and used_at < unused_since
            if project_id == keep or not (old or freed < excess):
                continue
            try:
                with self._locks.held(key, wait=False):
                    if self._is_leased(project_id, key):  # asked for since we looked
                        continue
                    self.drop(project_id, key)
            except BlockingIOError:
                continue  # somebody reads or builds it just now
            freed += size
        return freed

    def _is_leased(self, project_id: UUID, key: str) -> bool:
        asked = "SELECT 1 FROM lease WHERE project_id = ? AND accession_key = ?"
        with self._lock:
            return self._db.execute(asked, (str(project_id), key)).fetchone() is not None

    def close(self) -> None:
        with self._lock:
            self._db.close()


def measured(folder: Path) -> list[CachedFile]:
    """Size and sums of every file under a folder."""
    found: list[CachedFile] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        sha, crc, size = hashlib.sha256(), 0, 0
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                sha.update(chunk)
                crc, size = isal_zlib.crc32(chunk, crc), size + len(chunk)
        found.append(CachedFile(str(path.relative_to(folder)), size, sha.hexdigest(), crc))
    return found


def _sum(path: Path, thorough: bool) -> str | int:
    with path.open("rb") as source:
        if thorough:
            return hashlib.file_digest(source, "sha256").hexdigest()
        crc = 0
        while chunk := source.read(_CHUNK):
            crc = isal_zlib.crc32(chunk, crc)
        return crc


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Which file of a folder belongs to which accession: a SQLite table that is brought up to date by what changed."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
  folder TEXT NOT NULL, name TEXT NOT NULL, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL,
  accession TEXT, study TEXT, patient TEXT, series TEXT, instance TEXT, modality TEXT, description TEXT,
  PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_by_accession ON file (accession, folder, name) WHERE accession IS NOT NULL;
CREATE TABLE IF NOT EXISTS root (path TEXT NOT NULL);
"""
_TAGS = [
    "AccessionNumber",
    "StudyInstanceUID",
    "PatientID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "Modality",
    "SeriesDescription",
]
_ENTRY = "folder, name, study, patient, series, instance, modality, description"
_BATCH = 500


@dataclass(frozen=True)
class _Header:
    accession: str
    study: str
    patient: str
    series: str
    instance: str
    modality: str
    description: str


@dataclass(frozen=True)
class Entry:
    path: Path  # from the archive's root
    study: str
    patient: str
    series: str
    instance: str
    modality: str
    description: str


class FolderIndex:
    """Thread-safe. A file is read once, and again when its size or time of change is another."""

    def __init__(self, root: Path, path: Path | None):
        self._root = root
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        if [str(root)] not in [list(row) for row in self._db.execute("SELECT path FROM root")]:
            self._db.executescript("DELETE FROM file; DELETE FROM root;")  # made for another folder
            self._db.execute("INSERT INTO root VALUES (?)", (str(root),))

    def of(self, accession: str) -> list[Entry]:
        asked = f"SELECT {_ENTRY} FROM file WHERE accession = ? ORDER BY folder, name"
        with self._lock:
            rows = self._db.execute(asked, (accession,)).fetchall()
        return [Entry(Path(folder, name), *rest) for folder, name, *rest in rows]

    def refresh(self) -> int:
        """Look at every file, read what is new. Returns how many files belong to a study."""
        with self._lock:
            gone = {row[0] for row in self._db.execute("SELECT DISTINCT folder FROM file")}
            for folder, _, names in os.walk(self._root):
                relative = os.path.relpath(folder, self._root)
                gone.discard(relative)
                self._look(relative, names)
            self._db.executemany("DELETE FROM file WHERE folder = ?", [(folder,) for folder in gone])
            return self._db.execute("SELECT count(*) FROM file WHERE accession IS NOT NULL").fetchone()[0]

    def _look(self, folder: str, names: list[str]) -> None:
        asked = "SELECT name, mtime_ns, size FROM file WHERE folder = ?"
        known = {name: (mtime, size) for name, mtime, size in self._db.execute(asked, (folder,))}
        now = dict(self._stamps(folder, names))
        changed = [name for name in now if known.get(name) != now[name]]
        for start in range(0, len(changed), _BATCH):  # a killed process has not read in vain
            rows = [self._row(folder, name, *now[name]) for name in changed[start : start + _BATCH]]
            self._db.execute("BEGIN")
            self._db.executemany(f"INSERT OR REPLACE INTO file VALUES ({', '.join('?' * 11)})", rows)
            self._db.execute("COMMIT")
        vanished = [(folder, name) for name in known.keys() - now.keys()]
        self._db.executemany("DELETE FROM file WHERE folder = ? AND name = ?", vanished)

    def _stamps(self, folder: str, names: list[str]) -> Iterator[tuple[str, tuple[int, int]]]:
        for name in names:
            try:
                status = (self._root / folder / name).stat()
            except OSError:
                continue  # went away while we looked
            if stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
                yield name, (status.st_mtime_ns, status.st_size)

    def _row(self, folder: str, name: str, mtime_ns: int, size: int) -> tuple[object, ...]:
        header = read_header(self._root / folder / name)
        return (folder, name, mtime_ns, size, *(astuple(header) if header else (None,) * 7))

    def close(self) -> None:
        with self._lock:
            self._db.close()


def read_header(file: Path) -> _Header | None:
    try:
        ds = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
        found = _Header(*(str(ds.get(tag, "") or "").strip() for tag in _TAGS))
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, AttributeError, NotImplementedError):
        return None  # not DICOM, or damaged: it belongs to no study
    return found if found.accession and found.study else None

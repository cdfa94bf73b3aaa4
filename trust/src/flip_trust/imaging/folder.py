"""An imaging archive that is a folder of DICOM files: the embedded default, and what tests use."""

import os
import shutil
import stat
import threading
import time
from collections import defaultdict
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from flip_trust.imaging.errors import AccessionNotFound

_WILDCARDS = frozenset("*?\\")  # a DICOM query would match these against other people's studies
_TAGS = ["AccessionNumber", "StudyInstanceUID"]
_REFRESH_S = 5.0
_Entry = tuple[str, str]  # accession number, study


class FolderDriver:
    """Indexes by AccessionNumber on first use; later reads only new and changed files, every few seconds."""

    def __init__(self, path: Path):
        self._root = path
        self._lock = threading.Lock()
        self._seen: dict[Path, tuple[int, int, _Entry | None]] = {}  # file -> mtime, size, entry
        self._index: dict[str, list[tuple[Path, str]]] = {}  # accession -> file, study
        self._fresh_until = 0.0

    def pull(self, accession_id: str, into: Path) -> int:
        wanted = accession_id.strip()
        if not wanted or _WILDCARDS & set(wanted) or not wanted.isprintable():
            raise AccessionNotFound
        files = self._find(wanted)
        if not files:
            raise AccessionNotFound
        if len({study for _, study in files}) > 1:
            raise AccessionNotFound(ambiguous=True)
        for number, (file, _) in enumerate(files, start=1):
            shutil.copyfile(file, into / f"{number:06d}.dcm")
        return len(files)

    def _find(self, wanted: str) -> list[tuple[Path, str]]:
        with self._lock:
            # A stale index could miss late slices, or a second study that makes the number ambiguous.
            if wanted not in self._index or time.monotonic() > self._fresh_until:
                self._refresh()
            files = self._index.get(wanted, [])
            if not all(file.exists() for file, _ in files):
                self._refresh()
                files = self._index.get(wanted, [])
        return files

    def _refresh(self) -> None:
        seen: dict[Path, tuple[int, int, _Entry | None]] = {}
        index: dict[str, list[tuple[Path, str]]] = defaultdict(list)
        for folder, _, names in os.walk(self._root):
            for name in names:
                file = Path(folder) / name
                try:
                    status = file.stat()
                except OSError:
                    continue  # went away while we looked
                if not stat.S_ISREG(status.st_mode):
                    continue  # opening a pipe would wait for ever
                stamp = (status.st_mtime_ns, status.st_size)
                known = self._seen.get(file)
                seen[file] = known if known and known[:2] == stamp else (*stamp, _entry(file))
                if entry := seen[file][2]:
                    index[entry[0]].append((file, entry[1]))
        self._seen, self._index = seen, {accession: sorted(files) for accession, files in index.items()}
        self._fresh_until = time.monotonic() + _REFRESH_S


def _entry(file: Path) -> _Entry | None:
    try:
        ds = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
        accession, study = str(ds.get("AccessionNumber", "")).strip(), str(ds.get("StudyInstanceUID", "")).strip()
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, AttributeError):
        return None  # not DICOM, or damaged: it belongs to no study
    return (accession, study) if accession and study else None

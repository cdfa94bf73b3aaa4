"""An imaging archive that is a folder of DICOM files: the embedded default, and what tests use."""

import os
import shutil
import threading
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from flip_trust.imaging.errors import AccessionNotFound

_WILDCARDS = frozenset("*?\\")  # a DICOM query would match these against other people's studies
_TAGS = ["AccessionNumber", "StudyInstanceUID"]
_Entry = tuple[str, str]  # accession number, study


class FolderDriver:
    """Indexes by AccessionNumber on first use; reads only new or changed files after that."""

    def __init__(self, path: Path):
        self._root = path
        self._lock = threading.Lock()
        self._seen: dict[Path, tuple[int, int, _Entry | None]] = {}  # file -> mtime, size, entry

    def pull(self, accession_id: str, into: Path) -> int:
        wanted = accession_id.strip()
        if not wanted or _WILDCARDS & set(wanted) or not wanted.isprintable():
            raise AccessionNotFound
        with self._lock:
            files = self._find(wanted)
            if not files or not all(file.exists() for file, _ in files):
                self._refresh()
                files = self._find(wanted)
        if not files:
            raise AccessionNotFound
        if len({study for _, study in files}) > 1:
            raise AccessionNotFound(ambiguous=True)
        for number, (file, _) in enumerate(files, start=1):
            shutil.copyfile(file, into / f"{number:06d}.dcm")
        return len(files)

    def _find(self, wanted: str) -> list[tuple[Path, str]]:
        return sorted((file, entry[1]) for file, (_, _, entry) in self._seen.items() if entry and entry[0] == wanted)

    def _refresh(self) -> None:
        seen: dict[Path, tuple[int, int, _Entry | None]] = {}
        for folder, _, names in os.walk(self._root):
            for name in names:
                file = Path(folder) / name
                try:
                    stat = file.stat()
                except OSError:
                    continue  # went away while we looked
                stamp = (stat.st_mtime_ns, stat.st_size)
                known = self._seen.get(file)
                seen[file] = known if known and known[:2] == stamp else (*stamp, _entry(file))
        self._seen = seen


def _entry(file: Path) -> _Entry | None:
    try:
        ds = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
        accession, study = str(ds.get("AccessionNumber", "")).strip(), str(ds.get("StudyInstanceUID", "")).strip()
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, AttributeError):
        return None  # not DICOM, or damaged: it belongs to no study
    return (accession, study) if accession and study else None

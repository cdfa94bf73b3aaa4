"""An imaging archive that is a folder of DICOM files: the embedded default, and what tests use."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from flip_trust.imaging.drivers.faults import SAYS, Fault, PacsFault
from flip_trust.imaging.drivers.folder_index import Entry, FolderIndex
from flip_trust.imaging.drivers.port import Check, Series, Spend, Study

_REFRESH_SECONDS = 5.0
_REST = 10.0  # times as long as the last look took: a large archive is not walked without end
_CHUNK = 1 << 20


class FolderDriver:
    """Finds by an index on disk, built at the first question; later it reads only new and changed files."""

    def __init__(self, path: Path, index: Path | None = None):
        """`index`: a file of this driver's own, with accession numbers in it; without one it is kept in memory."""
        self._root = path
        self._index = FolderIndex(path, index)
        self._lock = threading.Lock()
        self._fresh_until = float("-inf")

    def find(self, accession_id: str) -> list[Study]:
        studies: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in self._entries(accession_id):
            studies[entry.study, entry.patient].append(entry)
        return [_study(uid, accession_id, patient, entries) for (uid, patient), entries in studies.items()]

    def pull(self, study: Study, into: Path, spend: Spend = lambda _: None) -> int:
        files = [
            e.path for e in self._entries(study.accession_id) if (e.study, e.patient) == (study.uid, study.patient)
        ]
        for number, file in enumerate(files, start=1):
            try:
                source = (self._root / file).open("rb")
            except OSError:
                raise PacsFault(Fault.BROKE_OFF) from None  # moved away since we looked
            with source, (into / f"{number:06d}.dcm").open("wb", buffering=0) as sink:
                while chunk := source.read(_CHUNK):
                    sink.write(chunk)
                    spend(len(chunk))
        return len(files)

    def test(self) -> Iterator[Check]:
        if not self._root.is_dir():
            yield Check(Fault.NO_FOLDER.value, False, SAYS[Fault.NO_FOLDER])
            return
        yield Check("folder", True)
        found = self._index.refresh()
        remedy = "the folder holds no DICOM file with an accession number and a study"
        yield Check("DICOM files", found > 0, remedy)

    def close(self) -> None:
        self._index.close()

    def _entries(self, accession_id: str) -> list[Entry]:
        with self._lock:
            found = self._index.of(accession_id)
            # A stale index could miss late slices, or a second study that makes the number ambiguous.
            stale = not found or time.monotonic() > self._fresh_until
            if stale or not all((self._root / entry.path).exists() for entry in found):
                if not self._root.is_dir():
                    raise PacsFault(Fault.NO_FOLDER)
                start = time.monotonic()
                self._index.refresh()
                took = time.monotonic() - start
                self._fresh_until = time.monotonic() + max(_REFRESH_SECONDS, _REST * took)
                found = self._index.of(accession_id)
        return found


def _study(uid: str, accession_id: str, patient: str, entries: list[Entry]) -> Study:
    series: dict[str, set[str]] = defaultdict(set)
    about: dict[str, Entry] = {}
    for entry in entries:
        series[entry.series].add(entry.instance)
        about[entry.series] = entry
    listed = tuple(
        Series(name, about[name].modality, about[name].description, len(series[name])) for name in sorted(series)
    )
    return Study(uid, accession_id, patient, len({entry.instance for entry in entries}), listed)

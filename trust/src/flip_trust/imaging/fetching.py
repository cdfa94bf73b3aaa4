"""One accession's study from the archive to a folder, whole: unambiguous, every instance once, as many as announced."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.filereader import read_file_meta_info

from flip_trust.imaging.drivers.port import PacsDriver, Spend, Study, askable
from flip_trust.imaging.errors import AccessionNotFound, Exclusion, ImagingExcluded


@dataclass(frozen=True)
class Pulled:
    instances: int
    bytes: int


class Incomplete(Exception):
    """The archive delivered another number of instances than it announced: late slices, or lost ones."""


def find_one(driver: PacsDriver, accession_id: str) -> Study:
    """The one study of this accession number. Raises AccessionNotFound, ImagingExcluded, PacsFault."""
    if not askable(accession_id):
        raise ImagingExcluded(Exclusion.ACCESSION_INVALID)
    found = driver.find(accession_id)
    if not found:
        raise AccessionNotFound
    if len({(study.uid, study.patient) for study in found}) > 1:
        raise AccessionNotFound(ambiguous=True)
    return found[0]


def announced(study: Study) -> int | None:
    """How many instances there should be: by the series, else by the study; None if the archive does not say."""
    of_series = [series.instances for series in study.series]
    if of_series and all(count is not None for count in of_series):
        return sum(count for count in of_series if count is not None)
    return study.instances


def pull_whole(driver: PacsDriver, study: Study, into: Path, spend: Spend) -> Pulled:
    """Raises Incomplete, ImagingExcluded, PacsFault, OSError; `into` may then hold a part."""
    count = driver.pull(study, into, spend)
    files = sorted(into.iterdir())
    if count != len(files):
        raise Incomplete
    kept = _once_each(files)
    expected = announced(study)
    if not kept or (expected is not None and len(kept) != expected):
        raise Incomplete
    return Pulled(len(kept), sum(file.stat().st_size for file in kept))


def _once_each(files: list[Path]) -> list[Path]:
    """Without the second copy of an instance. Two different files of one name: nobody can say which is right."""
    kept, firsts = list[Path](), dict[str, Path]()
    for file in files:
        first = firsts.setdefault(_instance(file), file)
        if first is file or _inner_instance(first) != _inner_instance(file):
            kept.append(file)
        elif _digest(first) != _digest(file):
            raise ImagingExcluded(Exclusion.INSTANCES_DIFFER)
        else:
            file.unlink()
    return kept


def _instance(file: Path) -> str:
    """By the file's head, which is quick to read."""
    return _read(lambda: str(read_file_meta_info(file).MediaStorageSOPInstanceUID))


def _inner_instance(file: Path) -> str:
    """By the data set itself. Some software leaves the head as it was."""
    return _read(lambda: str(dcmread(file, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]).SOPInstanceUID))


def _read(what: Callable[[], str]) -> str:
    try:
        return what()
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - damaged DICOM raises nearly anything, and its text may quote the file
        raise ImagingExcluded(Exclusion.DICOM_INVALID) from None


def _digest(file: Path) -> bytes:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").digest()

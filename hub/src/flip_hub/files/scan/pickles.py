"""Pickles by two scanners that never load them.

picklescan says which names a pickle would import; only those that weights, arrays and plain containers need are let
through. fickling follows what the pickle would do; what it calls overtly malicious is refused whatever it imports.
"""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from fickling.analysis import Severity, check_safety
from fickling.fickle import StackedPickle
from picklescan.scanner import SafetyLevel, scan_bytes

from flip_hub.files.names import NPY
from flip_hub.files.scan.report import Verdict

REMEDY: Final = "Save the weights alone (`torch.save(model.state_dict(), …)`), or as safetensors."
MAX_INNER_PICKLE: Final = 64 * 2**20  # data.pkl of a zip holds the structure, not the numbers
MAX_NAMES: Final = 5


def look_into_pickles_of(path: Path) -> Verdict:
    """A zip of torch's or numpy's, or one array."""
    verdict = _by_picklescan(path)
    if verdict.code or not zipfile.is_zipfile(path):
        return verdict
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as source:
                if not entry.filename.endswith(".pkl"):
                    continue
                content = source.read(MAX_INNER_PICKLE + 1)
            if len(content) > MAX_INNER_PICKLE:
                return Verdict(code="file_not_scannable", reason=f"A pickle inside is too large to look into. {REMEDY}")
            verdict = _by_fickling(BytesIO(content))
            if verdict.code:
                return verdict
    return Verdict()


def look_into_pickle(path: Path) -> Verdict:
    verdict = _by_picklescan(path)
    if verdict.code:
        return verdict
    with path.open("rb") as source:
        return _by_fickling(source)


def _by_picklescan(path: Path) -> Verdict:
    try:
        with path.open("rb") as source:
            kind = ".npy" if source.read(len(NPY)) == NPY else None  # it goes by endings, and ours has none
            source.seek(0)
            found = scan_bytes(source, path.name, kind)
    except (ValueError, OSError, zipfile.BadZipFile):
        return Verdict(code="file_unreadable", reason=f"The file cannot be read to its end. {REMEDY}")
    if found.scan_err:
        return Verdict(code="file_unreadable", reason=f"The pickle cannot be read to its end. {REMEDY}")
    unsafe = sorted({f"{one.module}.{one.name}" for one in found.globals if one.safety != SafetyLevel.Innocuous})
    if found.issues_count or unsafe:
        shown = ", ".join(unsafe[:MAX_NAMES]) + (" and more" if len(unsafe) > MAX_NAMES else "")
        return Verdict(code="pickle_unsafe", reason=f"Loading this pickle would run code of its own: {shown}. {REMEDY}")
    return Verdict()


def _by_fickling(source: BinaryIO) -> Verdict:
    for pickled in StackedPickle.load(source):
        if check_safety(pickled).severity >= Severity.LIKELY_OVERTLY_MALICIOUS:
            return Verdict(
                code="pickle_unsafe", reason=f"This pickle does what only malicious ones do when loaded. {REMEDY}"
            )
    return Verdict()

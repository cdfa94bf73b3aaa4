"""Each kind of file by its own format, and the pickles inside it. Nothing is ever loaded."""

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, Final

from flip_hub.files.names import HEAD_BYTES, NPY, ZIP, FileTypeMismatch, check_head
from flip_hub.files.scan.report import Verdict

MAX_RATIO: Final = 200
MAX_UNPACKED: Final = 8 * 2**30
MAX_ENTRIES: Final = 100_000
MAX_HEADER: Final = 100 * 2**20  # safetensors' own limit
MAX_LOOSE_PICKLE: Final = 512 * 2**20  # read whole by the scanners; a zip of torch's is not
DTYPE_BITS: Final = {
    "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16,
    "U16": 16, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I8": 8, "U8": 8, "BOOL": 8, "F6_E2M3": 6, "F6_E3M2": 6,
    "F4": 4,
}  # fmt: skip


def look(name: str, path: Path) -> Verdict:
    with path.open("rb") as source:
        head = source.read(HEAD_BYTES)
    try:
        check_head(name, head)
    except FileTypeMismatch as refusal:
        return Verdict(code=refusal.code, reason=refusal.message)
    suffix = PurePosixPath(name).suffix
    if suffix == ".safetensors":
        return _safetensors(path)
    from flip_hub.files.scan.pickles import look_into_pickle, look_into_pickles_of  # a second that tensors do not need

    if head.startswith(ZIP):
        return look_into_pickles_of(path) if (found := _zip(path)) is None else found
    if head.startswith(NPY):
        return look_into_pickles_of(path)
    if suffix in (".pt", ".pth", ".pkl", ".pickle"):
        if path.stat().st_size > MAX_LOOSE_PICKLE:
            return Verdict(
                code="file_not_scannable",
                reason="A bare pickle of this size cannot be looked into. Save it as safetensors, or with torch.save's "
                "present zip format.",
            )
        return look_into_pickle(path)
    return Verdict()


def _zip(path: Path) -> Verdict | None:
    """What speaks against the archive as such, or None."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return _unreadable("The file is not a whole zip archive. Save it again.")
    packed, unpacked = sum(e.compress_size for e in entries), sum(e.file_size for e in entries)
    if unpacked > MAX_UNPACKED or (unpacked > 2**20 and unpacked > MAX_RATIO * max(packed, 1)):
        return Verdict(
            code="archive_bomb", reason="The file unpacks to far more than it holds. Save it without such compression."
        )
    if len(entries) > MAX_ENTRIES or len({e.filename for e in entries}) != len(entries):
        return _unreadable("The file's archive has too many entries, or two of one name. Save it again.")
    if any(e.flag_bits & 0x1 for e in entries):
        return _unreadable("The file's archive is encrypted. Save it without a password.")
    if any(".." in PurePosixPath(e.filename).parts or e.filename.startswith("/") for e in entries):
        return Verdict(code="archive_path_invalid", reason="The file's archive names places outside itself.")
    return None


def _unreadable(reason: str) -> Verdict:
    return Verdict(code="file_unreadable", reason=reason)


def _safetensors(path: Path) -> Verdict:
    """https://github.com/huggingface/safetensors#format: tensors follow each other without a gap up to the end."""
    size = path.stat().st_size
    with path.open("rb") as source:
        length = int.from_bytes(source.read(8), "little")
        if length > min(MAX_HEADER, size - 8):
            return _unreadable("The safetensors header is cut off or too long. Save the file again.")
        try:
            header: Any = json.loads(source.read(length))
            spans = sorted(_span(tensor) for name, tensor in header.items() if name != "__metadata__")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return _unreadable("The safetensors header is not as the format says. Save the file again.")
    at = 0
    for begin, end in spans:
        if begin != at or end < begin:
            return _unreadable("The tensors of this safetensors file overlap or leave gaps. Save it again.")
        at = end
    if at != size - 8 - length:
        return _unreadable("This safetensors file is cut off, or holds more than its tensors. Save it again.")
    return Verdict()


def _span(tensor: dict[str, Any]) -> tuple[int, int]:
    begin, end = tensor["data_offsets"]
    bits = DTYPE_BITS[tensor["dtype"]]
    for length in tensor["shape"]:
        if type(length) is not int or length < 0:
            raise ValueError
        bits *= length
    if type(begin) is not int or type(end) is not int or (end - begin) * 8 != bits:
        raise ValueError
    return begin, end

"""Which names and kinds of files a model may have, and what a file's first bytes must say about its kind."""

import re
from pathlib import PurePosixPath
from typing import Final

from flip_contracts.app_check import KEPT_SUFFIXES
from flip_hub.errors import HubError

SOURCES: Final = KEPT_SUFFIXES  # text, and what a FAB can hold
PICKLES: Final = frozenset({".pt", ".pth", ".pkl", ".pickle"})
ARRAYS: Final = frozenset({".npy", ".npz", ".safetensors"})
TEXTS: Final = frozenset({".txt", ".csv"})
SUFFIXES: Final = SOURCES | PICKLES | ARRAYS | TEXTS
BUNDLES: Final = frozenset({".zip", ".fab"})
HEAD_BYTES: Final = 4096
SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}")
MAX_DEPTH: Final = 10
ZIP, NPY, PICKLE = b"PK\x03\x04", b"\x93NUMPY", b"\x80"


class FileNameInvalid(HubError):
    code, status = "file_name_invalid", 422
    public = "Use a relative name of letters, digits, `_`, `-`, `.` and `/`, ten folders deep at most."


class FileTypeRefused(HubError):
    code, status = "file_type_refused", 422
    public = (
        f"A model's files end in {', '.join(sorted(SUFFIXES))}, or are called LICENSE. "
        "Convert the file, or leave it out."
    )


class FileTypeMismatch(HubError):
    code, status = "file_type_mismatch", 422
    public = "The content is not what the name says. Give the file its right ending, or send the right file."


def check_name(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or len(parts) > MAX_DEPTH or path != "/".join(parts) or not all(SEGMENT.fullmatch(p) for p in parts):
        raise FileNameInvalid
    if PurePosixPath(path).suffix not in SUFFIXES and path != "LICENSE":
        raise FileTypeRefused


def is_source(path: str) -> bool:
    """Whether a FAB can hold it. Everything else is staged outside the FAB."""
    return PurePosixPath(path).suffix in SOURCES or path == "LICENSE"


def needs_scan(path: str) -> bool:
    """Whether somebody has to look inside before it may be used. Text is only ever read as text."""
    return PurePosixPath(path).suffix in PICKLES | ARRAYS


def check_head(path: str, head: bytes) -> None:
    """`head`: the first `HEAD_BYTES`, or all of a shorter file. The formats that torch, numpy and safetensors write."""
    suffix = PurePosixPath(path).suffix
    match suffix:
        case ".npz":
            fits = head.startswith(ZIP)
        case ".npy":
            fits = head.startswith(NPY)
        case ".safetensors":
            fits = len(head) > 9 and int.from_bytes(head[:8], "little") < 2**27 and head[8:9] == b"{"
        case ".pt" | ".pth":
            fits = head.startswith((ZIP, PICKLE))
        case ".pkl" | ".pickle":
            fits = head.startswith(PICKLE)  # protocol 2 and later; the older ones are text that anything looks like
        case ".zip" | ".fab":
            fits = head.startswith(ZIP)
        case _:
            fits = is_text(head)
    if not fits:
        raise FileTypeMismatch(f"{path} is not what its ending says. {FileTypeMismatch.public}", path=path)


def is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return len(head) == HEAD_BYTES and error.start > HEAD_BYTES - 4  # a character may be cut in two at the end
    return True

"""Unpack a zip or a FAB (which is a zip): all of it, or nothing with the reason. Nothing is ever written by name."""

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from flip_hub.errors import HubError
from flip_hub.files.names import HEAD_BYTES, FileNameInvalid, FileTypeRefused, check_head, check_name, is_source
from flip_hub.files.service import MAX_FILES, FileTooLarge

MAX_RATIO: Final = 200  # unpacked to packed; text that people write packs ten to one
RATIO_COUNTS_FROM: Final = 2**20
FAB_OWN: Final = (".info/",)  # Flower's list of hashes inside a FAB
TOOLS_OWN: Final = ("__MACOSX/", "__pycache__/", ".git/", ".venv/", ".idea/", ".vscode/")
TOOLS_FILES: Final = (".DS_Store", ".gitignore", "Thumbs.db")


class BundleUnreadable(HubError):
    code, status = "bundle_unreadable", 422
    public = "This is not a whole, plain zip file. Pack it again, without a password."


class BundleRefused(HubError):
    code, status = "bundle_refused", 422
    public = "The bundle holds something that does not belong in an app."


class BundleTooLarge(HubError):
    code, status = "bundle_too_large", 413
    public = "The bundle unpacks to more than a model may hold."


@dataclass(frozen=True)
class Entry:
    path: str
    size: int
    info: zipfile.ZipInfo


class Bundle:
    """Looks at the table of contents first: no byte is unpacked of an archive that is refused by it."""

    def __init__(self, source: IO[bytes], max_bytes: int, max_source_bytes: int):
        try:
            self._zip = zipfile.ZipFile(source)
            listed = self._zip.infolist()
        except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, OSError):
            raise BundleUnreadable from None
        files = [info for info in listed if not info.is_dir() and not _is_tools(info.filename)]
        if len(files) > MAX_FILES:
            raise BundleRefused(f"The bundle holds {len(files)} files; a model has {MAX_FILES} at most.")
        packed, unpacked = sum(i.compress_size for i in files), sum(i.file_size for i in files)
        if unpacked > max_bytes:
            raise BundleTooLarge(limit_bytes=max_bytes)
        if unpacked > RATIO_COUNTS_FROM and unpacked > MAX_RATIO * max(packed, 1):
            raise BundleRefused("The bundle unpacks to far more than it holds, as a zip bomb does.")
        prefix = _common_folder([info.filename for info in files])
        self.entries = [Entry(info.filename.removeprefix(prefix), info.file_size, info) for info in files]
        for entry in self.entries:
            _check(entry, max_source_bytes)
        paths = [entry.path for entry in self.entries]
        if len(set(paths)) != len(paths):
            raise BundleRefused("The bundle holds two files of the same name.")
        if not self.entries:
            raise BundleRefused("The bundle holds no file.")

    def read(self, entry: Entry) -> Iterator[bytes]:
        """At most the size that was announced, whatever the archive says later."""
        try:
            with self._zip.open(entry.info) as source:
                head = source.read(HEAD_BYTES)
                check_head(entry.path, head)
                left = entry.size - len(head)
                yield head
                while chunk := source.read(2**20):
                    left -= len(chunk)
                    if left < 0:
                        raise BundleRefused("A file in the bundle is larger than the bundle says.", path=entry.path)
                    yield chunk
        except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, OSError, ValueError) as error:
            raise BundleUnreadable(path=entry.path) from error


def _is_tools(name: str) -> bool:
    """What an operating system or an editor adds, and nobody means to send."""
    parts = [f"{part}/" for part in PurePosixPath(name).parts[:-1]]
    return bool(set(parts) & {*TOOLS_OWN, *FAB_OWN}) or PurePosixPath(name).name in TOOLS_FILES


def _common_folder(names: list[str]) -> str:
    """A zip of a folder holds that folder: its files are meant, if pyproject.toml is in it and not at the root."""
    tops = {name.split("/", 1)[0] for name in names if "/" in name}
    if len(tops) == 1 and all("/" in name for name in names):
        (top,) = tops
        return f"{top}/" if f"{top}/pyproject.toml" in names else ""
    return ""


def _check(entry: Entry, max_source_bytes: int) -> None:
    mode = entry.info.external_attr >> 16
    shown = entry.path.encode("ascii", "backslashreplace").decode()[:200]
    if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
        raise BundleRefused(f"{shown} is a link or no plain file. Put the file itself in.", path=shown)
    if entry.info.flag_bits & 0x1:
        raise BundleUnreadable(f"{shown} is encrypted. Pack it again, without a password.", path=shown)
    try:
        check_name(entry.path)
    except (FileNameInvalid, FileTypeRefused) as refusal:
        raise type(refusal)(f"{shown!r}: {refusal.message}", path=shown) from None
    if is_source(entry.path) and entry.size > max_source_bytes:
        raise FileTooLarge(f"{shown} is larger than an app's source file may be.", limit_bytes=max_source_bytes)

"""What is in a FAB: read here, never run."""

import difflib
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from flip_trust.errors import CodeNotAsAnnounced

LARGEST_UNPACKED_BYTES = 64 * 2**20
FLOWERS_OWN = ".info"


def files_of(fab: bytes) -> dict[str, bytes]:
    """Its files by path, without Flower's own list of them. Raises `CodeNotAsAnnounced` where it is no bundle."""
    try:
        with zipfile.ZipFile(io.BytesIO(fab)) as zipped:
            entries = [entry for entry in zipped.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > LARGEST_UNPACKED_BYTES:
                raise CodeNotAsAnnounced("The bundle is larger unpacked than a bundle may be.")
            names = [entry.filename for entry in entries if PurePosixPath(entry.filename).parts[:1] != (FLOWERS_OWN,)]
            if len(names) != len(set(names)):
                raise CodeNotAsAnnounced("The bundle holds two files of one name, so nobody can say which would run.")
            return {name: zipped.read(name) for name in sorted(names)}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        raise CodeNotAsAnnounced("The bundle is no zip archive.") from None


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    """A unified diff, file by file; of a file that is not text only that it changed."""
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        one, other = _lines(old), _lines(new)
        if one is None or other is None:
            yield f"Binary file {path} differs"
            continue
        names = f"a/{path}" if old is not None else "/dev/null", f"b/{path}" if new is not None else "/dev/null"
        for line in difflib.unified_diff(one, other, *names):
            yield line.rstrip("\n")


def _lines(content: bytes | None) -> list[str] | None:
    if content is None:
        return []
    try:
        return content.decode("utf-8").splitlines(keepends=True)
    except UnicodeDecodeError:
        return None

"""Files by their content: received whole or not at all, kept by SHA-256, laid out for a run. Alike at net and trust."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Annotated, Final

from pydantic import Field

from flip_contracts.wire import Sha256, Wire

_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}"


class StagedFile(Wire):
    """A file of the app outside its FAB. `path` is where the app looks for it, relative; no part begins with a dot."""

    path: Annotated[str, Field(pattern=rf"^{_SEGMENT}(/{_SEGMENT}){{0,9}}$")]
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0)]


def sha256_of_all(files: Iterable[StagedFile]) -> str:
    """One hash for these files and their places, whatever their order; '' for none."""
    lines = sorted(f"{file.sha256}  {file.path}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else ""


class ContentWrong(Exception):
    """What arrived is not what was announced: another length, or another SHA-256. Nothing of it is kept."""


class ContentStore:
    """One folder, each content once and read-only. Several threads may use it."""

    def __init__(self, folder: Path, keep_bytes: int):
        """`keep_bytes`: what `prune` leaves of contents that no run uses."""
        self._folder, self._keep_bytes = folder, keep_bytes

    @contextmanager
    def receive(self, file: StagedFile) -> Generator["Receiving", None, None]:
        """Raises `ContentWrong` at the end of the block, or as soon as too much has come."""
        self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        part = self._folder / f".{file.sha256}.{secrets.token_hex(4)}"
        try:
            with part.open("wb") as sink:
                receiving = Receiving(sink, file)
                yield receiving
                receiving.check()
            part.chmod(0o444)
            part.replace(self._folder / file.sha256)
        finally:
            part.unlink(missing_ok=True)

    def lay_out(self, file: StagedFile, folder: Path) -> bool:
        """Put it at its path in `folder`; False where its content is not here. What was kept is hashed again before."""
        target, kept = folder / file.path, self._folder / file.sha256
        if target.exists():
            return True
        if not kept.exists():
            return False
        if kept.stat().st_size != file.size_bytes or _sha256(kept) != file.sha256:
            kept.unlink(missing_ok=True)  # a damaged disk, or somebody's hand
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        os.utime(kept)
        try:
            os.link(kept, target)
        except FileExistsError:
            return True
        except OSError:  # another file system, or one without links
            shutil.copyfile(kept, target)
            target.chmod(0o444)
        return True

    def prune(self) -> None:
        """Forget what was not used for longest, beyond `keep_bytes`. What a run has laid out stays."""
        found: list[tuple[float, int, Path]] = []
        for path in self._folder.glob("[0-9a-f]*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                if stat.st_nlink == 1:
                    found.append((stat.st_mtime, stat.st_size, path))
        left = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if left <= self._keep_bytes:
                return
            path.unlink(missing_ok=True)
            left -= size


class Receiving:
    """What has come so far. `received` bytes are here: a transfer that broke off goes on from there."""

    def __init__(self, sink: IO[bytes], file: StagedFile):
        self._sink, self._file = sink, file
        self._digest, self.received = hashlib.sha256(), 0

    def write(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.received > self._file.size_bytes:
            raise ContentWrong
        self._digest.update(chunk)
        self._sink.write(chunk)

    def check(self) -> None:
        if self.received != self._file.size_bytes or self._digest.hexdigest() != self._file.sha256:
            raise ContentWrong


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()

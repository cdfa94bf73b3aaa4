"""Files and results: a folder by default, S3 by URL."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore, from_url

from flip_hub.settings import HubSettings


class Objects:
    def __init__(self, settings: HubSettings):
        folder = settings.data_dir / "objects"
        self.scratch = settings.data_dir / "scratch"
        self.scratch.mkdir(parents=True, mode=0o700, exist_ok=True)
        if settings.object_store_url:
            self._store = from_url(settings.object_store_url)
        else:
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            self._store = LocalStore(prefix=str(folder), automatic_cleanup=True)

    def put(self, key: str, content: bytes | Iterator[bytes]) -> None:
        obstore.put(self._store, key, content)

    def put_file(self, key: str, path: Path) -> None:
        """In pieces, so memory stays flat; at most two on their way."""
        obstore.put(self._store, key, path, use_multipart=True, chunk_size=8 * 2**20, max_concurrency=2)

    def copy(self, source: str, target: str) -> None:
        obstore.copy(self._store, source, target)

    def has(self, key: str) -> bool:
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def get(self, key: str) -> bytes:
        return obstore.get(self._store, key).bytes().to_bytes()

    def stream(self, key: str, offset: int = 0) -> tuple[int, Iterator[bytes]]:
        """Size of the whole, and its chunks from `offset` on; memory stays flat whatever the size."""
        found = obstore.get(self._store, key, options={"range": {"offset": offset}} if offset else None)
        return found.meta["size"], (bytes(chunk) for chunk in found.stream(min_chunk_size=2**20))

    def reader(self, key: str) -> io.RawIOBase:
        """A file that is read in place: only the parts that are asked for are fetched."""
        return _Reader(self._store, key)

    def delete(self, key: str) -> None:
        """A key that is gone already is no error."""
        with contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, key)


class _Reader(io.RawIOBase):
    """obstore's reader with what `zipfile` asks of a file."""

    def __init__(self, store: Any, key: str):
        self._file = obstore.open_reader(store, key)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        return bytes(self._file.read(None if size is None or size < 0 else size))

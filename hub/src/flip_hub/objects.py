"""Files and results: a folder by default, S3 by URL."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import obstore
from obstore.store import LocalStore, from_url

from flip_hub.settings import HubSettings


class Objects:
    def __init__(self, settings: HubSettings):
        folder = settings.data_dir / "objects"
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

    def get(self, key: str) -> bytes:
        return obstore.get(self._store, key).bytes().to_bytes()

    def stream(self, key: str, offset: int = 0) -> tuple[int, Iterator[bytes]]:
        """Size of the whole, and its chunks from `offset` on; memory stays flat whatever the size."""
        found = obstore.get(self._store, key, options={"range": {"offset": offset}} if offset else None)
        return found.meta["size"], (bytes(chunk) for chunk in found.stream(min_chunk_size=2**20))

    def delete(self, key: str) -> None:
        """A key that is gone already is no error."""
        with contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, key)

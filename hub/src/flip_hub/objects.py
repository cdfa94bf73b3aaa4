"""Files and results: a folder by default, S3 by URL."""

from collections.abc import AsyncIterator, Iterator

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

    async def put_stream(self, key: str, content: AsyncIterator[bytes]) -> None:
        await obstore.put_async(self._store, key, content)

    def get(self, key: str) -> bytes:
        return obstore.get(self._store, key).bytes().to_bytes()

    def stream(self, key: str, offset: int = 0) -> tuple[int, Iterator[bytes]]:
        """Size of the whole, and its chunks from `offset` on; memory stays flat whatever the size."""
        found = obstore.get(self._store, key, options={"range": {"offset": offset}} if offset else None)
        return found.meta["size"], (bytes(chunk) for chunk in found.stream(min_chunk_size=2**20))

    def delete(self, key: str) -> None:
        obstore.delete(self._store, key)

"""What has arrived whole: text becomes a file of the model at once, anything else waits for its scan."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import IO
from uuid import UUID

from sqlalchemy.orm import Session

from flip_hub.db import now
from flip_hub.errors import HubError
from flip_hub.files.bundles import Bundle
from flip_hub.files.names import HEAD_BYTES, check_head, check_name, needs_scan
from flip_hub.files.service import (
    ModelTooLarge,
    locked_idle,
    put_file,
    replace_uploads,
    sha256_of,
    tell,
    total_bytes,
)
from flip_hub.files.shelf import Shelf, keep
from flip_hub.files.tables import Upload, UploadPart
from flip_hub.files.uploads import SCANNING
from flip_hub.models.tables import Model
from flip_hub.settings import HubSettings


@dataclass(frozen=True)
class Stored:
    path: str
    key: str
    size: int
    sha256: str


def store_file(shelf: Shelf, model_id: UUID, path: str, content: bytes) -> Stored:
    check_name(path)
    check_head(path, content[:HEAD_BYTES])
    return Stored(path, shelf.put(model_id, content), len(content), sha256_of(content))


def store_bundle(shelf: Shelf, settings: HubSettings, model_id: UUID, source: IO[bytes]) -> list[Stored]:
    """Unpack into objects of their own. A refusal half-way leaves none."""
    bundle = Bundle(source, settings.max_model_bytes, settings.max_file_bytes)
    stored: list[Stored] = []
    try:
        for entry in bundle.entries:
            hashing = _Hashing(bundle.read(entry))
            key = shelf.put(model_id, iter(hashing))
            stored.append(Stored(entry.path, key, hashing.size, hashing.hexdigest))
    except HubError:
        drop(shelf, stored)
        raise
    return stored


def take(session: Session, settings: HubSettings, user_id: UUID, model: Model, stored: list[Stored]) -> None:
    """All of them in one transaction: the model has the whole, or what it had before."""
    locked_idle(session, model)
    for one in stored:
        if needs_scan(one.path):
            _await_scan(session, settings, user_id, model.id, one)
        else:
            put_file(session, model, one.path, one.key, one.size, one.sha256)
    if total_bytes(session, model.id) > settings.max_model_bytes:
        raise ModelTooLarge(limit_bytes=settings.max_model_bytes)
    tell(session, model.id)


def _await_scan(session: Session, settings: HubSettings, user_id: UUID, model_id: UUID, one: Stored) -> None:
    replace_uploads(session, model_id, one.path)
    upload = Upload(
        model_id=model_id,
        created_by=user_id,
        path=one.path,
        is_bundle=False,
        size_bytes=one.size,
        received_bytes=one.size,
        sha256=one.sha256,
        state=SCANNING,
        expires_at=now() + timedelta(hours=settings.upload_hours),
    )
    session.add(upload)
    session.flush()
    session.add(UploadPart(upload_id=upload.id, offset_bytes=0, size_bytes=one.size, object_key=one.key))
    keep(session, one.key)
    session.flush()


def drop(shelf: Shelf, stored: list[Stored]) -> None:
    for one in stored:
        shelf.discard(one.key)


class _Hashing:
    def __init__(self, chunks: Iterator[bytes]):
        self._chunks, self._digest, self.size = chunks, hashlib.sha256(), 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._digest.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def hexdigest(self) -> str:
        return self._digest.hexdigest()

"""Resumable uploads: created with a size, filled piece by piece, then looked at by the worker.

Each piece is an object of its own. A piece counts when its row is there and the upload's offset has moved, both in one
transaction that fails if somebody else moved the offset first: two senders never mix, in whichever hub process.
"""

import hashlib
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.db import now
from flip_hub.errors import Conflict, HubError, NotFound
from flip_hub.files.deletion import forget_upload
from flip_hub.files.names import BUNDLES, HEAD_BYTES, SEGMENT, FileNameInvalid, check_head, check_name, is_source
from flip_hub.files.service import (
    MAX_FILES,
    FileTooLarge,
    ModelTooLarge,
    TooManyFiles,
    locked_idle,
    replace_uploads,
    tell,
    total_bytes,
)
from flip_hub.files.shelf import Shelf, keep
from flip_hub.files.tables import Upload, UploadPart
from flip_hub.models.tables import Model
from flip_hub.settings import HubSettings
from flip_hub.users.tables import User

PART_BYTES: Final = 8 * 2**20  # what one upload holds in memory
UPLOADING, SCANNING, REJECTED = "UPLOADING", "SCANNING", "REJECTED"


class OffsetWrong(Conflict):
    code = "upload_offset_wrong"
    public = "The upload is not at this offset. Ask for its offset with HEAD and go on from there."


class UploadTooLong(HubError):
    code, status = "upload_too_long", 413
    public = "More bytes were sent than were announced. Start a new upload with the right length."


class ChecksumWrong(HubError):
    code, status = "upload_checksum_wrong", 460
    public = "This piece did not arrive whole. It was dropped; send it again."


def create(
    session: Session,
    settings: HubSettings,
    user: User,
    model: Model,
    path: str,
    size: int,
    sha256: str | None,
    is_bundle: bool,
) -> Upload:
    if is_bundle:
        if not SEGMENT.fullmatch(path) or PurePosixPath(path).suffix not in BUNDLES:
            raise FileNameInvalid("A bundle's name is a plain one that ends in .zip or .fab.")
    else:
        check_name(path)
        if is_source(path) and size > settings.max_file_bytes:
            raise FileTooLarge(limit_bytes=settings.max_file_bytes)
    if size > settings.max_upload_bytes:
        limit = settings.max_upload_bytes
        raise FileTooLarge(f"An upload has {limit} bytes at most.", limit_bytes=limit)
    locked_idle(session, model)
    replace_uploads(session, model.id, path)
    if (session.scalar(select(func.count()).select_from(Upload).where(Upload.model_id == model.id)) or 0) >= MAX_FILES:
        raise TooManyFiles
    if total_bytes(session, model.id) + size > settings.max_model_bytes:
        raise ModelTooLarge(limit_bytes=settings.max_model_bytes)
    upload = Upload(
        model_id=model.id,
        created_by=user.id,
        path=path,
        is_bundle=is_bundle,
        size_bytes=size,
        received_bytes=0,
        sha256=sha256,
        state=UPLOADING if size else SCANNING,
        expires_at=now() + timedelta(hours=settings.upload_hours),
    )
    session.add(upload)
    session.flush()
    record(session, str(user.id), "upload.created", str(upload.id), model=str(model.id), path=path, size_bytes=size)
    tell(session, model.id)
    return upload


def find(session: Session, model_id: UUID, upload_id: UUID) -> Upload:
    upload = session.get(Upload, upload_id)
    if upload is None or upload.model_id != model_id or (upload.state == UPLOADING and upload.expires_at < now()):
        raise NotFound("There is no such upload, or it has expired. Start a new one.")
    return upload


def cancel(session: Session, upload: Upload) -> None:
    forget_upload(session, upload)
    tell(session, upload.model_id)


class Piece:
    """Takes the bytes of one request and makes parts of them. `checksum`: (algorithm, digest) of the whole request;
    with it, nothing counts before everything has arrived."""

    def __init__(self, shelf: Shelf, upload: Upload, offset: int, checksum: tuple[str, bytes] | None):
        self._shelf, self._upload_id, self._model_id = shelf, upload.id, upload.model_id
        self._path, self._size = upload.path, upload.size_bytes
        self.offset = offset
        self._buffer = bytearray()
        self._held: list[tuple[str, int]] = []
        self._digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
        self._expected = checksum[1] if checksum else b""
        if upload.state != UPLOADING or upload.received_bytes != offset:
            raise OffsetWrong(offset=upload.received_bytes)

    def take(self, chunk: bytes) -> bool:
        """True when it is time to `flush`. Nothing of this blocks."""
        pending = sum(size for _, size in self._held)
        if self.offset + pending + len(self._buffer) + len(chunk) > self._size:
            raise UploadTooLong(size_bytes=self._size)
        self._buffer += chunk
        return len(self._buffer) >= PART_BYTES

    def flush(self) -> None:
        if not self._buffer:
            return
        content = bytes(self._buffer)
        self._buffer.clear()
        whole_head = len(content) >= min(HEAD_BYTES, self._size)  # a shorter one is left to the worker
        if self.offset == 0 and not self._held and whole_head:
            check_head(self._path, content[:HEAD_BYTES])
        if self._digest:
            self._digest.update(content)
        self._held.append((self._shelf.put(self._model_id, content), len(content)))
        if self._digest is None:
            self._count()

    def finish(self) -> None:
        """Everything that was sent is here."""
        self.flush()
        if self._digest and self._digest.digest() != self._expected:
            self.drop()
            raise ChecksumWrong
        self._count()

    def drop(self) -> None:
        self._buffer.clear()
        for key, _ in self._held:
            self._shelf.discard(key)
        self._held.clear()

    def _count(self) -> None:
        with self._shelf.session() as session:
            size = sum(size for _, size in self._held)
            moved = (
                update(Upload)
                .where(Upload.id == self._upload_id, Upload.received_bytes == self.offset, Upload.state == UPLOADING)
                .values(received_bytes=Upload.received_bytes + size)
                .returning(Upload.received_bytes)
            )
            now_at = session.scalar(moved) if size else self.offset
            if now_at is not None:
                for key, part in self._held:
                    session.add(
                        UploadPart(upload_id=self._upload_id, offset_bytes=self.offset, size_bytes=part, object_key=key)
                    )
                    keep(session, key)
                    self.offset += part
                self._held.clear()
                if now_at == self._size:
                    done = update(Upload).where(Upload.id == self._upload_id, Upload.state == UPLOADING)
                    session.execute(done.values(state=SCANNING))
                tell(session, self._model_id)
        if now_at is None:
            self.drop()
            raise OffsetWrong

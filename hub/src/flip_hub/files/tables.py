"""Files of a model's app; the bytes are in the object store.

`model_files` holds what a model has: checked, and ready for a run. `uploads` holds what is on its way, being looked at,
or refused. An upload that is found good becomes a file and is gone.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class ModelFile(Base):
    """`advice`: what bandit says of a Python file; null until it was looked at. Nobody is kept from training by it."""

    __tablename__ = "model_files"
    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    object_key: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    uploaded_at: Mapped[datetime]
    advice: Mapped[list | None]
    advice_due: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    leased_until: Mapped[datetime | None]


class Upload(WithId, Base):
    """`path` is where the file goes; for a bundle, which is unpacked, its own name. `sha256` is what was announced."""

    __tablename__ = "uploads"
    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    path: Mapped[str]
    is_bundle: Mapped[bool]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None]
    state: Mapped[str] = mapped_column(index=True)
    reason_code: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]


class UploadPart(Base):
    """What has arrived, piece by piece, each an object of its own."""

    __tablename__ = "upload_parts"
    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    offset_bytes: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    object_key: Mapped[str]


class ObjectDeletion(Base):
    """Objects that nothing refers to any more. Written with the change that forgot them, so none is left behind."""

    __tablename__ = "object_deletions"
    object_key: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)

"""Forget the files and uploads of a model; the worker deletes their objects."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from flip_hub.files.shelf import forget
from flip_hub.files.tables import ModelFile, Upload, UploadPart


def forget_files(session: Session, model_id: UUID) -> None:
    keys = session.scalars(delete(ModelFile).where(ModelFile.model_id == model_id).returning(ModelFile.object_key))
    forget(session, *keys)
    for upload in session.scalars(select(Upload).where(Upload.model_id == model_id)):
        forget_upload(session, upload)


def forget_file(session: Session, file: ModelFile) -> None:
    forget(session, file.object_key)
    session.delete(file)
    session.flush()


def forget_upload(session: Session, upload: Upload) -> None:
    forget_parts(session, upload)
    session.delete(upload)
    session.flush()


def forget_parts(session: Session, upload: Upload) -> None:
    parts = delete(UploadPart).where(UploadPart.upload_id == upload.id).returning(UploadPart.object_key)
    forget(session, *session.scalars(parts))

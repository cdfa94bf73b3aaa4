"""Copy a model's files to another model."""

from uuid import UUID

from sqlalchemy.orm import Session

from flip_hub.db import now
from flip_hub.files.service import list_files
from flip_hub.files.shelf import Shelf, keep
from flip_hub.files.tables import ModelFile


def copy_files(session: Session, shelf: Shelf, source: UUID, target: UUID) -> None:
    for file in list_files(session, source):
        key = shelf.copy(target, file.object_key)
        session.add(
            ModelFile(
                model_id=target,
                path=file.path,
                object_key=key,
                size_bytes=file.size_bytes,
                sha256=file.sha256,
                uploaded_at=now(),
                advice=file.advice,
                advice_due=file.advice_due,
            )
        )
        keep(session, key)

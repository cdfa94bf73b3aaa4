"""Objects that rows refer to. None is ever left behind: a key is noted for deletion before its object is written, and
the note goes when a row refers to it, in the same transaction."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from flip_hub.db import Database, now
from flip_hub.events import notify
from flip_hub.files.tables import ObjectDeletion
from flip_hub.objects import Objects

GRACE: Final = timedelta(hours=2)  # more than the longest time between writing an object and referring to it


class Shelf:
    def __init__(self, database: Database, objects: Objects):
        self._database, self.objects = database, objects
        self.session = database.session

    def put(self, model_id: UUID, content: bytes | Iterator[bytes]) -> str:
        key = self.reserve(model_id)
        self.objects.put(key, content)
        return key

    def copy(self, model_id: UUID, source: str) -> str:
        key = self.reserve(model_id)
        self.objects.copy(source, key)
        return key

    def reserve(self, model_id: UUID) -> str:
        key = f"files/{model_id}/{uuid4()}"
        with self._database.session() as session:
            session.add(ObjectDeletion(object_key=key, due_at=now() + GRACE))
        return key

    def discard(self, key: str) -> None:
        with self._database.session() as session:
            forget(session, key)


def keep(session: Session, *keys: str) -> None:
    """A row of this transaction refers to these objects."""
    session.execute(delete(ObjectDeletion).where(ObjectDeletion.object_key.in_(keys)))


def forget(session: Session, *keys: str) -> None:
    """No row refers to these objects any more."""
    for key in keys:
        note = insert(ObjectDeletion).values(object_key=key, due_at=now())
        session.execute(
            note.on_conflict_do_update(index_elements=["object_key"], set_={"due_at": note.excluded.due_at})
        )
    notify(session, "files")

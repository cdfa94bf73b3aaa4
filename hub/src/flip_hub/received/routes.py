"""For a trust's admins: what has left their trust, as it arrived here."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from flip_hub.auth import CurrentUser, require, speaks_for
from flip_hub.db import ReadSession
from flip_hub.errors import Forbidden, NotFound
from flip_hub.received import service
from flip_hub.received.service import Kind
from flip_hub.routing import Router
from flip_hub.trusts.tables import Trust

router = Router(prefix="/trusts", tags=["trusts"])


class ReceivedRead(BaseModel):
    """`pieces`: answers, points or messages, by kind. `size_bytes`: of a run's messages; null for the other kinds."""

    kind: Kind
    at: datetime
    text: str
    pieces: int
    size_bytes: int | None
    project_id: UUID
    project: str
    model_id: UUID | None
    model: str | None
    run_id: UUID | None


@router.get("/{trust_id}/received")
def list_received(
    trust_id: UUID, user: CurrentUser, session: ReadSession, limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> list[ReceivedRead]:
    """What this hub has received from the trust, newest first: what kind, of what, how much. Never its content."""
    require(user, "see_received")
    trust = session.get(Trust, trust_id)
    if trust is None:
        raise NotFound
    if user.role == "trust_admin" and not speaks_for(session, user, trust_id):
        raise Forbidden("You do not speak for this trust. Its own admins, and the hub's, see what it sent.")
    return [ReceivedRead.model_validate(one, from_attributes=True) for one in service.received(session, trust, limit)]

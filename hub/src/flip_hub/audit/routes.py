"""Search the audit log."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import select

from flip_hub.audit.tables import AuditEvent
from flip_hub.auth import Auditor
from flip_hub.db import ReadSession
from flip_hub.errors import errors
from flip_hub.paging import AskedPage, CursorInvalid, Page, paged
from flip_hub.routing import Router

router = Router(prefix="/audit", tags=["audit"])
Text = Annotated[str, Query(max_length=200)]
Action = Annotated[str, Query(max_length=200, description="As `user.login_failed`; `user.` finds all of users.")]


class AuditEventRead(BaseModel):
    """`actor`: a user's id, `trust:<name>`, `anonymous`, or the part of the hub that acted. `subject`: an id mostly."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


@router.get("", responses=errors(CursorInvalid))
def search_audit(
    auditor: Auditor,
    session: ReadSession,
    asked: AskedPage,
    actor: Text = "",
    action: Action = "",
    subject: Text = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Page[AuditEventRead]:
    """Decisions and accesses, newest first. `since` is included, `until` is not."""
    query = select(AuditEvent)
    if actor:
        query = query.where(AuditEvent.actor == actor)
    if action:
        query = query.where(AuditEvent.action.startswith(action, autoescape=True))
    if subject:
        query = query.where(AuditEvent.subject == subject)
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if until is not None:
        query = query.where(AuditEvent.at < until)
    read = AuditEventRead.model_validate
    return paged(session, query, (AuditEvent.id,), asked, lambda row: read(row, from_attributes=True))

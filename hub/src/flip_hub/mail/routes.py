"""The hub's mails, for admins: what waits, what failed, and what is in the outbox to be handed on."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select

from flip_hub.auth import UserManager
from flip_hub.db import ReadSession
from flip_hub.errors import errors
from flip_hub.mail.tables import Email
from flip_hub.paging import AskedPage, CursorInvalid, Page, paged
from flip_hub.routing import Router

router = Router(tags=["mails"])
State = Literal["queued", "sent", "in_outbox", "failed"]


class MailRead(BaseModel):
    """`text` is kept while a mail waits or lies in the outbox, for an admin to hand on; sent ones have none.

    `in_outbox`: this hub has no mail server. `error`: what the mail server said at the last attempt.
    """

    id: UUID
    recipient: str
    subject: str
    text: str
    state: State
    attempts: int
    error: str
    created_at: datetime
    sent_at: datetime | None


@router.get("/mails", responses=errors(CursorInvalid))
def list_mails(
    admin: UserManager, session: ReadSession, asked: AskedPage, state: State | None = None
) -> Page[MailRead]:
    """The hub's mails, newest first."""
    query = select(Email).where(Email.state == state) if state else select(Email)
    keys = (Email.created_at, Email.id)
    return paged(session, query, keys, asked, lambda row: MailRead.model_validate(row, from_attributes=True))

"""The upkeep loop: what has expired is removed, what was written in crumbs is put together."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from flip_hub.db import Database, now
from flip_hub.invitations.tables import Invitation
from flip_hub.live.service import prune
from flip_hub.login.tables import ResetCode
from flip_hub.login.throttle import forget_old
from flip_hub.metrics.service import compact, forget_ids
from flip_hub.trusts.tables import ReceivedMessage
from flip_hub.users.tables import ApiToken

log = logging.getLogger(__name__)
EVERY_SECONDS: Final = 60.0
Job = Callable[[Session], Any]
MESSAGES_KEPT: Final = timedelta(days=90)  # far longer than a trust sends one message again


async def keep_up_forever(database: Database, anchor: Job) -> None:
    """`anchor` writes down, outside the database, how far the audit log is."""
    while True:
        await asyncio.to_thread(keep_up, database, (*JOBS, anchor))
        await asyncio.sleep(EVERY_SECONDS)


def keep_up(database: Database, jobs: Iterable[Job]) -> None:
    """Each job in a transaction of its own: one that fails is tried again later and holds up no other."""
    for job in jobs:
        try:
            with database.session() as session:
                job(session)
        except Exception:
            log.exception("upkeep: %s failed and is tried again", job)


def forget_expired(session: Session) -> None:
    for table in (ApiToken, ResetCode, Invitation):
        session.execute(delete(table).where(table.expires_at < now()))


def forget_messages(session: Session) -> None:
    session.execute(delete(ReceivedMessage).where(ReceivedMessage.received_at < now() - MESSAGES_KEPT))


JOBS: Final[tuple[Job, ...]] = (
    forget_old,
    forget_expired,
    forget_messages,
    forget_ids,
    compact,
    prune,
)

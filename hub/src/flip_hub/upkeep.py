"""The upkeep loop: what has expired is removed."""

import asyncio
import logging
from typing import Final

from sqlalchemy import delete

from flip_hub.db import Database, now
from flip_hub.invitations.tables import Invitation
from flip_hub.login.tables import ResetCode
from flip_hub.login.throttle import forget_old
from flip_hub.users.tables import ApiToken

log = logging.getLogger(__name__)
EVERY_SECONDS: Final = 600.0


async def keep_up_forever(database: Database) -> None:
    while True:
        try:
            await asyncio.to_thread(keep_up, database)
        except Exception:
            log.exception("the upkeep failed and is tried again")
        await asyncio.sleep(EVERY_SECONDS)


def keep_up(database: Database) -> None:
    forget_old(database)
    for table in (ApiToken, ResetCode, Invitation):
        with database.session() as session:
            session.execute(delete(table).where(table.expires_at < now()))

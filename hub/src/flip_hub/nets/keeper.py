"""The nets' loop: connects those that were added, lets go of those that were removed, follows each, asks its health."""

import asyncio
import logging
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from flip_hub.db import Database, now
from flip_hub.events import Listener
from flip_hub.flower.follower import follow_net
from flip_hub.flower.port import FlPort, FlRefused, FlUnavailable
from flip_hub.nets.directory import NetDirectory
from flip_hub.nets.service import CHANGED
from flip_hub.nets.tables import NetRow

log = logging.getLogger(__name__)
HEALTH_SECONDS = 15.0
Followers = dict[UUID, tuple[FlPort, asyncio.Task[None]]]


async def keep_nets_forever(directory: NetDirectory, database: Database, listener: Listener) -> None:
    followers: Followers = {}
    try:
        with listener.watch(CHANGED) as watch:
            while True:
                try:
                    await asyncio.to_thread(directory.refresh)
                    _follow(followers, directory, database)
                    asked = [asyncio.to_thread(ask_health, database, n, fl) for n, (_, fl) in directory.items()]
                    await asyncio.gather(*asked)
                except (SQLAlchemyError, OSError) as error:
                    log.warning("the nets cannot be looked at now: %s", type(error).__name__)
                await watch.wait(HEALTH_SECONDS)
    finally:
        for _, task in followers.values():
            task.cancel()


def _follow(followers: Followers, directory: NetDirectory, database: Database) -> None:
    wanted = {net_id: fl for net_id, (_, fl) in directory.items()}
    for net_id, (fl, task) in list(followers.items()):
        if wanted.get(net_id) is not fl:
            task.cancel()
            del followers[net_id]
    for net_id, fl in wanted.items():
        if net_id not in followers:
            followers[net_id] = (fl, asyncio.create_task(follow_net(database, net_id, fl)))


def ask_health(database: Database, net_id: UUID, fl: FlPort) -> None:
    try:
        told = fl.health().model_dump(mode="json")
    except (FlUnavailable, FlRefused, ValidationError):
        told = None
    with database.session() as session:
        row = session.get_one(NetRow, net_id)
        row.health, row.health_at = told, now()

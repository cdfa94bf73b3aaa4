"""Nets come from the settings; the database remembers how far each has been read."""

from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from flip_hub.db import Database, now
from flip_hub.flower.http import HttpFl
from flip_hub.flower.port import FlPort
from flip_hub.nets.tables import NetRow
from flip_hub.settings import HubSettings, NetSettings


def connect_nets(settings: HubSettings, database: Database) -> dict[UUID, tuple[NetSettings, FlPort]]:
    nets: dict[UUID, tuple[NetSettings, FlPort]] = {}
    with database.session() as session:
        for net in settings.nets:
            new = insert(NetRow).values(id=uuid4(), name=net.name, event_cursor=0, created_at=now())
            session.execute(new.on_conflict_do_nothing(index_elements=["name"]))  # two hubs may start at once
            row = session.scalars(select(NetRow).where(NetRow.name == net.name)).one()
            row.last_seen_at = now()  # a hub that was down must not blame the net for it
            nets[row.id] = (net, HttpFl(net))
    return nets

"""Which nets this process drives: those of its settings, and those that an admin added. Read again when they change."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from flip_hub.db import Database, now
from flip_hub.flower.port import FlPort
from flip_hub.keys import SecretBox, write_private
from flip_hub.nets.tables import NetRow
from flip_hub.settings import HubSettings, NetSettings

log = logging.getLogger(__name__)
Connect = Callable[[str, str], FlPort]  # URL and key of an FL API


class NetDirectory(Mapping[UUID, tuple[NetSettings, FlPort]]):
    def __init__(self, settings: HubSettings, database: Database, secrets: SecretBox, connect: Connect):
        self._settings, self._database, self._secrets = settings, database, secrets
        self.connect = connect
        self._nets: dict[UUID, tuple[NetSettings, FlPort]] = {}
        self._made_of: dict[UUID, tuple[str, ...]] = {}

    def __getitem__(self, net_id: UUID) -> tuple[NetSettings, FlPort]:
        return self._nets[net_id]

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._nets)

    def __len__(self) -> int:
        return len(self._nets)

    def refresh(self) -> None:
        """A net that has not changed keeps its connections."""
        with self._database.session() as session:
            found = {self._row_of(session, net).id: net for net in self._settings.nets}
            added = select(NetRow).where(NetRow.source == "admin", NetRow.removed_at.is_(None))
            for row in session.scalars(added):
                if (net := self._as_settings(row)) is not None:
                    found[row.id] = net
            fresh = [net_id for net_id in found if net_id not in self._nets]
            for row in session.scalars(select(NetRow).where(NetRow.id.in_(fresh))):
                row.last_seen_at = now()  # a hub that was down must not blame the net for it
        nets, made_of = {}, {}
        for net_id, net in found.items():
            made_of[net_id] = (net.url, net.superlink, str(net.ca_file), net.key_file.read_text().strip())
            known = net_id in self._nets and self._made_of[net_id] == made_of[net_id]
            fl = self._nets[net_id][1] if known else self.connect(net.url, made_of[net_id][-1])
            nets[net_id] = (net, fl)
        self._nets, self._made_of = nets, made_of

    @staticmethod
    def _row_of(session: Session, net: NetSettings) -> NetRow:
        new = insert(NetRow).values(id=uuid4(), name=net.name, event_cursor=0, created_at=now())
        session.execute(new.on_conflict_do_nothing(index_elements=["name"]))  # two hubs may start at once
        row = session.scalars(select(NetRow).where(NetRow.name == net.name)).one()
        if (row.source, row.url, row.superlink, row.removed_at) != ("settings", net.url, net.superlink, None):
            row.source, row.url, row.superlink, row.removed_at = "settings", net.url, net.superlink, None
        return row

    def _as_settings(self, row: NetRow) -> NetSettings | None:
        key = self._secrets.open(row.sealed_key)
        if key is None:
            log.error("a hub with other keys sealed the key of net %s; remove the net and add it again", row.name)
            return None
        folder = self._settings.data_dir / "nets" / str(row.id)
        key_file, ca_file = folder / "net.key", folder / "ca.pem"
        for path, content in ((key_file, key), (ca_file, row.ca_pem)):
            _keep(path, content)
        return NetSettings(name=row.name, url=row.url, key_file=key_file, ca_file=ca_file, superlink=row.superlink)


def _keep(path: Path, content: str) -> None:
    if not path.exists() or path.read_text() != content:
        write_private(path, content.encode())

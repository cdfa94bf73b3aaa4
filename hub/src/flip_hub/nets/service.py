"""Add, drain and remove nets. Those of FLIP_HUB_NETS can be drained, and are removed where they are written."""

from collections import Counter
from typing import Final
from uuid import UUID

from cryptography import x509
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.db import now
from flip_hub.errors import Conflict, HubError, NotFound
from flip_hub.events import notify
from flip_hub.flower.port import FlRefused, FlUnavailable
from flip_hub.keys import SecretBox
from flip_hub.nets.directory import Connect
from flip_hub.nets.schemas import NetCreate, NetUpdate
from flip_hub.nets.tables import NetRow
from flip_hub.runs.tables import Run
from flip_hub.users.tables import User

CHANGED: Final = "nets"


class NetNameTaken(Conflict):
    code = "net_name_taken"
    public = "There is a net of this name already. Choose another name, or remove that net first."


class NetBusy(Conflict):
    code = "net_busy"
    public = "Drain this net first, and wait until its runs have ended; `details.open_runs` says how many are left."


class NetOfSettings(Conflict):
    code = "net_of_settings"
    public = "This net stands in FLIP_HUB_NETS. Drain it, take it out there and start the hub again."


class NetUnreachable(HubError):
    code, status = "net_unreachable", 422
    public = "No FL API answered at this URL with this key. Check both, and that `flip-fl serve` runs there."


class NetCertificateInvalid(HubError):
    code, status = "net_certificate_invalid", 422
    public = "`ca_pem` is not a certificate in PEM. It is `pki/ca.crt` of the net's FLIP_FL_DATA_DIR."


def list_nets(session: Session) -> list[NetRow]:
    return list(session.scalars(select(NetRow).where(NetRow.removed_at.is_(None)).order_by(NetRow.name)))


def open_runs(session: Session) -> Counter[UUID | None]:
    """By net: runs that are at work there, or that it has not forgotten yet."""
    told = session.execute(select(Run.net_id, func.count()).where(~Run.closed).group_by(Run.net_id))
    return Counter({net_id: count for net_id, count in told})


def add_net(session: Session, secrets: SecretBox, connect: Connect, admin: User, asked: NetCreate) -> NetRow:
    try:
        x509.load_pem_x509_certificates(asked.ca_pem.encode())
    except ValueError:
        raise NetCertificateInvalid from None
    row = session.scalar(select(NetRow).where(NetRow.name == asked.name).with_for_update())
    if row is not None and row.removed_at is None:
        raise NetNameTaken
    key = asked.key.get_secret_value()
    try:
        health = connect(asked.url, key).health()
    except (FlUnavailable, FlRefused, ValidationError) as error:
        raise NetUnreachable(why=type(error).__name__) from error
    if row is None:
        row = NetRow(name=asked.name)
        session.add(row)
    row.event_cursor, row.removed_at, row.draining = 0, None, False
    row.source, row.url, row.superlink, row.ca_pem = "admin", asked.url, asked.superlink, asked.ca_pem
    row.sealed_key, row.slots = secrets.seal(key), asked.slots
    row.health, row.health_at, row.last_seen_at = health.model_dump(mode="json"), now(), now()
    session.flush()
    record(session, str(admin.id), "net.added", str(row.id), name=row.name, url=row.url, superlink=row.superlink)
    _tell(session)
    return row


def edit_net(session: Session, admin: User, net_id: UUID, asked: NetUpdate) -> NetRow:
    row = _known(session, net_id)
    changed = asked.model_dump(exclude_unset=True)
    if changed.get("draining", 0) is None:
        del changed["draining"]
    for name, value in changed.items():
        setattr(row, name, value)
    record(session, str(admin.id), "net.changed", str(row.id), **changed)
    _tell(session)
    return row


def remove_net(session: Session, admin: User, net_id: UUID, names_of_settings: set[str]) -> None:
    row = _known(session, net_id)
    if row.name in names_of_settings:
        raise NetOfSettings
    left = open_runs(session)[net_id]
    if not row.draining or left:
        raise NetBusy(open_runs=left)
    row.removed_at, row.sealed_key = now(), ""
    record(session, str(admin.id), "net.removed", str(row.id), name=row.name)
    _tell(session)


def _known(session: Session, net_id: UUID) -> NetRow:
    row = session.get(NetRow, net_id, with_for_update=True)
    if row is None or row.removed_at is not None:
        raise NotFound
    return row


def _tell(session: Session) -> None:
    notify(session, CHANGED)
    notify(session, "runs")  # what waits may start there now

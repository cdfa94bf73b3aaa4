"""Nets as admins see them."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from flip_contracts.fl_api import NetHealth
from flip_hub.db import now
from flip_hub.nets.tables import NetRow

SILENT: Final = timedelta(seconds=45)  # a net answers at least every 20 s, event or none
Slots = Annotated[int, Field(ge=1, le=1000)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]{1,253}(:\d{1,5})?$")]
HostPort = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}:\d{1,5}$")]


class NetCreate(BaseModel):
    """`key` is the bearer key of its FL API (FLIP_FL_NET_KEY_FILE), `ca_pem` its `pki/ca.crt`, `superlink` its Fleet
    door as trusts reach it. `slots`: runs at the same time; null takes FLIP_HUB_MAX_ACTIVE_RUNS."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    url: HttpUrl
    key: Annotated[SecretStr, Field(min_length=16, max_length=500)]
    ca_pem: Annotated[str, Field(max_length=20_000)]
    superlink: HostPort
    slots: Slots | None = None


class NetUpdate(BaseModel):
    """A net that is `draining` lets its runs end and gets no new one."""

    model_config = ConfigDict(extra="forbid")
    draining: bool | None = None
    slots: Slots | None = None


class NetRead(BaseModel):
    """`state`: online, silent (not heard of for 45 s), or never (no hub process has reached it yet).

    `source`: settings (FLIP_HUB_NETS) or admin. `open_runs` of `slots` are taken; a run counts until the net has
    forgotten it. `health` is what its FL API last said, at `health_at`; null where it did not answer.
    """

    id: UUID
    name: str
    source: Literal["settings", "admin"]
    url: str
    superlink: str
    state: Literal["online", "silent", "never"]
    draining: bool
    slots: int
    open_runs: int
    last_seen_at: datetime | None
    health: NetHealth | None
    health_at: datetime | None


def net_read(row: NetRow, slots: int, open_runs: int) -> NetRead:
    seen = row.last_seen_at
    return NetRead(
        id=row.id,
        name=row.name,
        source="admin" if row.source == "admin" else "settings",
        url=row.url,
        superlink=row.superlink,
        state="never" if seen is None else "online" if seen > now() - SILENT else "silent",
        draining=row.draining,
        slots=row.slots or slots,
        open_runs=open_runs,
        last_seen_at=seen,
        health=NetHealth.model_validate(row.health) if row.health else None,
        health_at=row.health_at,
    )

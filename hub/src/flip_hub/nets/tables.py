"""Nets: SuperLinks with their FL API, and how far their events have been read."""

from datetime import datetime

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class NetRow(WithId, Base):
    """`source`: settings (FLIP_HUB_NETS of the hub processes) or admin (added by API; its connection is kept here).

    `health` is what the FL API last said of itself, at `health_at`. A net that was removed stays, for its runs.
    """

    __tablename__ = "nets"
    name: Mapped[str] = mapped_column(unique=True)
    event_cursor: Mapped[int] = mapped_column(BigInteger, default=0)
    last_seen_at: Mapped[datetime | None]
    source: Mapped[str] = mapped_column(default="settings", server_default="settings")
    url: Mapped[str] = mapped_column(default="", server_default="")
    superlink: Mapped[str] = mapped_column(default="", server_default="")
    ca_pem: Mapped[str] = mapped_column(default="", server_default="")
    sealed_key: Mapped[str] = mapped_column(default="", server_default="")
    slots: Mapped[int | None]  # None: as the settings say
    draining: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    removed_at: Mapped[datetime | None]
    health: Mapped[dict | None]
    health_at: Mapped[datetime | None]

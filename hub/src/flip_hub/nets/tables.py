"""Nets: SuperLinks with their FL API, and how far their events have been read."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class NetRow(WithId, Base):
    __tablename__ = "nets"
    name: Mapped[str] = mapped_column(unique=True)
    event_cursor: Mapped[int] = mapped_column(BigInteger, default=0)
    last_seen_at: Mapped[datetime | None]

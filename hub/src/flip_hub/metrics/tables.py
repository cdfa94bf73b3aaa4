"""Metric points, append-only. The trust is the authenticated one; `client_name` is what the app said."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base


class Metric(Base):
    __tablename__ = "metrics"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    trust_id: Mapped[UUID | None] = mapped_column(ForeignKey("trusts.id"))
    label: Mapped[str]
    x_label: Mapped[str]
    x: Mapped[float]
    value: Mapped[float]
    round: Mapped[int]
    client_name: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (Index("ix_metrics_series", "run_id", "label", "trust_id", "x"),)

"""Metric points, append-only, in columns. The trust is the authenticated one; `client_name` is what the app said."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base

SMALL = 4096  # points; smaller chunks are joined when a series has many of them


class MetricSeries(Base):
    """One line of a chart, and what a list shows of it without reading its points."""

    __tablename__ = "metric_series"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    source: Mapped[str]  # the trust's id, or empty for the ServerApp: a key that is never null
    trust_id: Mapped[UUID | None] = mapped_column(ForeignKey("trusts.id"))
    label: Mapped[str]
    x_label: Mapped[str]
    points: Mapped[int] = mapped_column(BigInteger)
    last_x: Mapped[float]
    last_value: Mapped[float]
    last_at: Mapped[datetime]
    lowest: Mapped[float]
    highest: Mapped[float]

    __table_args__ = (UniqueConstraint("run_id", "source", "label", "x_label"),)


class MetricChunk(Base):
    """Points that arrived together, each column in PostgreSQL's own binary: big-endian, SQL can join it."""

    __tablename__ = "metric_chunks"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    series_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("metric_series.id", ondelete="CASCADE"))
    points: Mapped[int]
    xs: Mapped[bytes]  # float8
    ys: Mapped[bytes]  # float8
    rounds: Mapped[bytes]  # int4
    ats: Mapped[bytes]  # float8, seconds since 1970
    client_name: Mapped[str]

    __table_args__ = (
        Index("ix_metric_chunks_series", "series_id", "id"),
        Index("ix_metric_chunks_small", "series_id", "client_name", postgresql_where=text(f"points < {SMALL}")),
    )


class MetricId(Base):
    """Points that are here: a point that is sent again counts once. Forgotten some days after the run's end."""

    __tablename__ = "metric_ids"
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)

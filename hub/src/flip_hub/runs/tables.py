"""Runs, each trust's part in them, their rounds, events and log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class Run(WithId, Base):
    __tablename__ = "runs"
    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    net_id: Mapped[UUID | None] = mapped_column(ForeignKey("nets.id"))
    state: Mapped[str] = mapped_column(index=True)
    reason_code: Mapped[str] = mapped_column(default="")
    reason_text: Mapped[str] = mapped_column(default="")
    run_config: Mapped[dict]
    options: Mapped[dict] = mapped_column(default=dict)  # RunOptions
    rerun_of: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"))
    fab_sha256: Mapped[str | None]
    stop_requested: Mapped[str | None]  # the RunReason of the stop
    started_on_net: Mapped[bool] = mapped_column(default=False)
    finished_on_net: Mapped[dict | None]  # RunFinished, as the net told it
    closed: Mapped[bool] = mapped_column(default=False)  # trusts have been told, the net has forgotten it
    starting_at: Mapped[datetime | None]
    running_at: Mapped[datetime | None]
    stopping_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    progress_at: Mapped[datetime | None]


class RunTrust(Base):
    __tablename__ = "run_trusts"
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    trust_id: Mapped[UUID] = mapped_column(ForeignKey("trusts.id"), primary_key=True)
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    public_key: Mapped[str | None]


class RunRound(Base):
    __tablename__ = "run_rounds"
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    phase: Mapped[str] = mapped_column(primary_key=True)
    results: Mapped[int]
    failures: Mapped[int]
    errors: Mapped[list]
    at: Mapped[datetime]


class RunLogLine(Base):
    __tablename__ = "run_log_lines"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    text: Mapped[str]

    __table_args__ = (Index("ix_run_log_lines_run", "run_id", "id"),)

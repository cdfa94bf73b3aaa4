"""Hospitals as the hub knows them, the work it asks of them, and what it has already heard."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class Trust(WithId, Base):
    __tablename__ = "trusts"
    name: Mapped[str] = mapped_column(unique=True)
    public_key: Mapped[str | None]
    token_sha256: Mapped[str | None] = mapped_column(unique=True)
    next_token_sha256: Mapped[str | None] = mapped_column(unique=True)  # rotated, and not used yet
    code_sha256: Mapped[str | None]
    code_expires_at: Mapped[datetime | None]
    enrolled_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    agent_version: Mapped[str] = mapped_column(default="")
    components: Mapped[dict] = mapped_column(default=dict)
    versions: Mapped[dict] = mapped_column(default=dict, server_default=text("'{}'"))


class RetiredKey(WithId, Base):
    """A key that a trust has handed over: `handover` is the `RotateRequest`, signed by it and by the one after it."""

    __tablename__ = "retired_keys"
    trust_id: Mapped[UUID] = mapped_column(ForeignKey("trusts.id", ondelete="CASCADE"), index=True)
    public_key: Mapped[str]
    handover: Mapped[dict]
    retired_at: Mapped[datetime]


class TaskRow(WithId, Base):
    __tablename__ = "tasks"
    trust_id: Mapped[UUID] = mapped_column(ForeignKey("trusts.id", ondelete="CASCADE"))
    type: Mapped[str]
    payload: Mapped[dict]
    state: Mapped[str]
    attempt: Mapped[int] = mapped_column(default=0)
    lease_expires_at: Mapped[datetime | None]
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
    error_code: Mapped[str | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_tasks_claimable", "trust_id", "state", "created_at"),)


class ReceivedMessage(Base):
    """Ids of messages whose effect is in the database: a repeat is accepted and does nothing."""

    __tablename__ = "received_messages"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    trust_id: Mapped[UUID] = mapped_column(ForeignKey("trusts.id", ondelete="CASCADE"), index=True)
    received_at: Mapped[datetime]

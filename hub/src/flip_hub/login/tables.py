"""Codes that work once, and who has tried how often."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class RecoveryCode(Base):
    """Stands in for the authenticator once. The row goes when it is used."""

    __tablename__ = "recovery_codes"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    code_sha256: Mapped[str] = mapped_column(primary_key=True)


class ResetCode(WithId, Base):
    """Lets its owner choose a new password once. The row goes when it is used."""

    __tablename__ = "reset_codes"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_sha256: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]


class Throttle(Base):
    """Tries of one kind by one e-mail or address. `key` holds a hash: who has no account leaves no e-mail here."""

    __tablename__ = "throttles"
    key: Mapped[str] = mapped_column(primary_key=True)
    tries: Mapped[int]
    since: Mapped[datetime]

    __table_args__ = (Index("ix_throttles_since", "since"),)

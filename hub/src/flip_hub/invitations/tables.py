"""People who may get an account: asked for by themselves, or invited by an admin."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class Invitation(WithId, Base):
    """One per e-mail; a new one replaces it. The row goes when it is accepted or taken back."""

    __tablename__ = "invitations"
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    trust_ids: Mapped[list]
    code_sha256: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class AccessRequest(WithId, Base):
    """`state`: pending, approved (an invitation went out) or dismissed."""

    __tablename__ = "access_requests"
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    organisation: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    note: Mapped[str]
    handled_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    handled_at: Mapped[datetime | None]

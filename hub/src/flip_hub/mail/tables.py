"""E-mails, written in the transaction that causes them and delivered afterwards."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class Email(WithId, Base):
    """`state`: queued, sent, in_outbox or failed. `text` is emptied once SMTP has taken it: it may hold a code."""

    __tablename__ = "emails"
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_emails_due", "state", "next_attempt_at"),)

"""What happened, in the order in which everybody hears of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Sequence, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base

EVENT_SEQ = Sequence("events_seq", metadata=Base.metadata)


class Event(Base):
    """`seq` is given after the commit, by one sequencer at a time: whoever has read up to N has missed nothing below N.

    `id` comes from the transaction itself and may become visible late; only `seq` is a position to go on from.
    Words for people are composed when it is read. `kept` events are the story of a run or project; the others (metrics,
    log lines, hints to look again) are pruned.
    """

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seq: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    payload: Mapped[dict]
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    kept: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        Index("ix_events_run", "run_id", "seq", postgresql_where=text("kept")),
        Index("ix_events_activity", "topics", postgresql_using="gin", postgresql_where=text("kept")),
        Index("ix_events_waiting", "id", postgresql_where=text("seq IS NULL")),
        Index("ix_events_prunable", "at", postgresql_where=text("NOT kept")),
    )

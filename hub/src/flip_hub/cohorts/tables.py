"""Cohort queries and the aggregates that came back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class CohortQuery(WithId, Base):
    __tablename__ = "cohort_queries"
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    sql: Mapped[str]
    cancelled_at: Mapped[datetime | None]


class CohortAnswer(Base):
    """`state` as stored: queued, answered, suppressed, refused, error or cancelled. Running and offline are seen
    from the task's lease and the trust's last sign of life, when it is read."""

    __tablename__ = "cohort_answers"
    query_id: Mapped[UUID] = mapped_column(ForeignKey("cohort_queries.id", ondelete="CASCADE"), primary_key=True)
    trust_id: Mapped[UUID] = mapped_column(ForeignKey("trusts.id"), primary_key=True)
    task_id: Mapped[UUID | None] = mapped_column(ForeignKey("tasks.id", ondelete="SET NULL"))
    state: Mapped[str]
    result: Mapped[dict | None]
    error: Mapped[dict | None]
    answered_at: Mapped[datetime | None]

"""Models (the trainable things) and every change of their status."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class Model(WithId, Base):
    __tablename__ = "models"
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    description: Mapped[str]
    status: Mapped[str]
    status_reason: Mapped[str] = mapped_column(default="")
    deleted_at: Mapped[datetime | None]


class ModelStatusEvent(Base):
    """`source` is app (it called update_status) or platform (it observed)."""

    __tablename__ = "model_status_events"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    status: Mapped[str]
    source: Mapped[str]
    at: Mapped[datetime]

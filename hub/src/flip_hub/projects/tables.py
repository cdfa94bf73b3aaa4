"""Projects, who may see them, and what each trust decided."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class Project(WithId, Base):
    __tablename__ = "projects"
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    purpose: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    query_id: Mapped[UUID | None] = mapped_column(ForeignKey("cohort_queries.id", use_alter=True))
    staged_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("owner_id", "name"),)


class ProjectMember(Base):
    __tablename__ = "project_members"
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


class ProjectTrust(Base):
    """One trust asked by one project. `signed` is the trust's own signed decision, kept whole."""

    __tablename__ = "project_trusts"
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    trust_id: Mapped[UUID] = mapped_column(ForeignKey("trusts.id"), primary_key=True)
    decision: Mapped[str]
    decided_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    conditions: Mapped[str] = mapped_column(default="")
    signed: Mapped[dict | None]
    imaging: Mapped[dict | None]

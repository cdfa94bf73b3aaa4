"""Projects, who may see them, and what each trust decided."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId, now


class Project(WithId, Base):
    """A deleted project stays as a row, for its runs and for the audit; nobody sees it and its name is free again."""

    __tablename__ = "projects"
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    purpose: Mapped[str]
    kind: Mapped[str]
    dicom_to_nifti: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    series_rule: Mapped[dict | None]
    status: Mapped[str]
    query_id: Mapped[UUID | None] = mapped_column(ForeignKey("cohort_queries.id", use_alter=True))
    query_saved_at: Mapped[datetime | None]
    staged_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_projects_owner_name", "owner_id", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("ix_projects_created", "created_at", "id"),
    )


class ProjectMember(Base):
    __tablename__ = "project_members"
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    added_at: Mapped[datetime] = mapped_column(default=now, server_default=text("now()"))


class ProjectTrust(Base):
    """One trust asked by one project. `signed` is the trust's own signed decision, kept whole."""

    __tablename__ = "project_trusts"
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    trust_id: Mapped[UUID] = mapped_column(ForeignKey("trusts.id"), primary_key=True)
    decision: Mapped[str]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(default="", server_default="")
    expires_at: Mapped[datetime | None]
    conditions: Mapped[str] = mapped_column(default="")
    signed: Mapped[dict | None]
    hub_request: Mapped[dict | None]  # what the trust's admin asked of it here, and what became of that
    imaging: Mapped[dict | None]
    imaging_ready_at: Mapped[datetime | None]

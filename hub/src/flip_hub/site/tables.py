"""What the admin tells everyone, and whether runs may start."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base


class Site(Base):
    """One row, `id` 1; none at all means no banner and no deployment mode."""

    __tablename__ = "site"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    banner: Mapped[str] = mapped_column(default="")
    banner_link: Mapped[str] = mapped_column(default="")
    banner_level: Mapped[str] = mapped_column(default="info")
    deployment_mode: Mapped[bool] = mapped_column(default=False)
    deployment_reason: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

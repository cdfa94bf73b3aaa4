"""People, the trusts that a trust admin speaks for, and the tokens by which people are known."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from flip_hub.db import Base, WithId


class User(WithId, Base):
    """`password_hash` is null for who logs in at their organisation only; `totp_secret` is encrypted."""

    __tablename__ = "users"
    __allow_unmapped__ = True  # for `scopes`
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[str | None]
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None]
    oidc_subject: Mapped[str | None] = mapped_column(unique=True)
    last_login_at: Mapped[datetime | None]

    scopes: frozenset[str] | None = None  # of the API token that this request came with; None: not narrowed


class UserTrust(Base):
    """A trust that this trust admin speaks for."""

    __tablename__ = "user_trusts"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    trust_id: Mapped[UUID] = mapped_column(ForeignKey("trusts.id", ondelete="CASCADE"), primary_key=True)


class ApiToken(WithId, Base):
    """`kind`: `session` (a browser's cookie), `login` (of the `flip` command) or `token` (named, scoped, for scripts).

    `restricted` names what the login must still do before it opens anything else; empty: nothing.
    """

    __tablename__ = "api_tokens"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    token_sha256: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    kind: Mapped[str]
    scopes: Mapped[list]
    restricted: Mapped[str]
    idle_minutes: Mapped[int | None]
    last_used_at: Mapped[datetime | None]

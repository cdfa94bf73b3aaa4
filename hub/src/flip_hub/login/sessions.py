"""Logins and API tokens: opened, listed, ended."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.auth import SESSION_PREFIX, sha256
from flip_hub.db import now
from flip_hub.errors import FieldInvalid, NotFound
from flip_hub.permissions import SCOPES, Scope
from flip_hub.settings import HubSettings
from flip_hub.users.tables import ApiToken, User

TOKEN_PREFIX = "flip_"  # secret scanners find it in a repository
MAX_TOKENS = 100
Next = Literal["change_password", "enrol_totp"]


class ScopeNotYours(FieldInvalid):
    code = "scope_not_yours"
    public = "Only an admin's token can have the scope `admin`."


class TokenTooLong(FieldInvalid):
    code = "token_too_long"
    public = "This hub's tokens do not live for so long; `details.max_days` is the longest."


class TooManyTokens(FieldInvalid):
    code = "too_many_tokens"
    public = f"An account has {MAX_TOKENS} API tokens at most. Revoke one that you do not need."


@dataclass(frozen=True)
class Opened:
    """`token` is known here only; the database keeps its hash."""

    token: str
    row: ApiToken


def restriction(settings: HubSettings, user: User) -> Next | None:
    """What a login by password must still do before it opens anything else."""
    if user.must_change_password:
        return "change_password"
    return "enrol_totp" if settings.require_totp and user.totp_confirmed_at is None else None


def open_login(session: Session, settings: HubSettings, user: User, cookie: bool, next_: Next | None) -> Opened:
    token = (SESSION_PREFIX if cookie else "") + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=user.id,
        name="browser" if cookie else "flip login",
        token_sha256=sha256(token),
        expires_at=now() + timedelta(hours=settings.token_hours),
        kind="session" if cookie else "login",
        scopes=[],
        restricted=next_ or "",
        idle_minutes=settings.session_idle_minutes if cookie else None,
    )
    session.execute(delete(ApiToken).where(ApiToken.user_id == user.id, ApiToken.expires_at < now()))
    session.add(row)
    user.last_login_at = now()
    record(session, str(user.id), "user.logged_in", str(user.id), kind=row.kind)
    session.flush()
    return Opened(token, row)


def lift_restriction(session: Session, settings: HubSettings, user: User) -> None:
    """After a step of `restriction` is done: what is next, for the logins that wait for it."""
    waiting = update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.restricted != "")
    session.execute(waiting.values(restricted=restriction(settings, user) or ""))


def create_token(
    session: Session, settings: HubSettings, user: User, name: str, scopes: list[Scope], days: int
) -> Opened:
    if "admin" in scopes and user.role != "admin":
        raise ScopeNotYours
    if days > settings.token_max_days:
        raise TokenTooLong(max_days=settings.token_max_days)
    if len([row for row in tokens_of(session, user) if row.kind == "token"]) >= MAX_TOKENS:
        raise TooManyTokens
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=user.id,
        name=name,
        token_sha256=sha256(token),
        expires_at=now() + timedelta(days=days),
        kind="token",
        scopes=[scope for scope in SCOPES if scope in scopes],
        restricted="",
    )
    session.add(row)
    session.flush()
    record(session, str(user.id), "token.created", str(row.id), scopes=row.scopes, days=days)
    return Opened(token, row)


def tokens_of(session: Session, user: User) -> list[ApiToken]:
    """Those that still open something, newest first."""
    valid = (ApiToken.user_id == user.id, ApiToken.expires_at > now())
    return list(session.scalars(select(ApiToken).where(*valid).order_by(ApiToken.created_at.desc())))


def revoke(session: Session, user: User, token_id: UUID) -> None:
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != user.id:
        raise NotFound
    session.delete(row)
    record(session, str(user.id), "token.revoked", str(token_id), kind=row.kind)


def end_logins(session: Session, user: User, keep: UUID | None = None, tokens_too: bool = False) -> None:
    """End every login of this person, but for `keep`."""
    ended = delete(ApiToken).where(ApiToken.user_id == user.id)
    if keep is not None:
        ended = ended.where(ApiToken.id != keep)
    session.execute(ended if tokens_too else ended.where(ApiToken.kind != "token"))

"""Accounts, passwords and tokens."""

import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.auth import ROLES, sha256
from flip_hub.db import now
from flip_hub.errors import Conflict, FieldInvalid, LoginFailed
from flip_hub.users.tables import ApiToken, User

_hasher = PasswordHasher()  # argon2id, RFC 9106 low-memory profile
_DUMMY = _hasher.hash(secrets.token_hex(16))  # an unknown e-mail costs as much time as a wrong password


class EmailTaken(Conflict):
    code = "email_taken"
    public = "There is already an account with this e-mail."


def create_user(
    session: Session, actor: str, email: str, name: str, role: str, password: str | None
) -> tuple[User, str]:
    """Returns the user and the password to hand over once."""
    if role not in ROLES:
        raise FieldInvalid(f"Role must be one of {', '.join(ROLES)}.")
    email = email.strip().lower()
    if session.scalar(select(User).where(User.email == email)):
        raise EmailTaken
    password = password or secrets.token_urlsafe(12)
    user = User(email=email, name=name, role=role, password_hash=_hasher.hash(password))
    session.add(user)
    session.flush()
    record(session, actor, "user.created", str(user.id), role=role)
    return user, password


def login(session: Session, email: str, password: str, hours: int) -> tuple[User, str, datetime]:
    user = session.scalar(select(User).where(User.email == email.strip().lower(), User.is_active))
    try:
        _hasher.verify(user.password_hash if user else _DUMMY, password)
    except (VerifyMismatchError, InvalidHashError):
        raise LoginFailed from None
    if user is None:
        raise LoginFailed
    token, expires_at = secrets.token_urlsafe(32), now() + timedelta(hours=hours)
    session.add(ApiToken(user_id=user.id, name="login", token_sha256=sha256(token), expires_at=expires_at))
    record(session, str(user.id), "user.logged_in", str(user.id))
    return user, token, expires_at


def logout(session: Session, user: User, token_sha256: str) -> None:
    session.execute(delete(ApiToken).where(ApiToken.token_sha256 == token_sha256))
    record(session, str(user.id), "user.logged_out", str(user.id))

"""Log in by password, change it, and get back in without it."""

from datetime import timedelta
from typing import NoReturn
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from flip_contracts.codes import new_code
from flip_hub.audit.service import record
from flip_hub.auth import sha256
from flip_hub.db import Database, now
from flip_hub.errors import HubError
from flip_hub.keys import SecretBox
from flip_hub.login import passwords, sessions, totp
from flip_hub.login.tables import ResetCode
from flip_hub.login.throttle import Bound, count_try, forget_tries, give_back
from flip_hub.mail.service import send
from flip_hub.settings import HubSettings
from flip_hub.users.tables import ApiToken, User


class LoginFailed(HubError):
    code, status = "login_failed", 401
    public = "E-mail or password is wrong."


class PasswordWrong(HubError):
    code, status = "password_wrong", 422
    public = "Your current password is wrong."


class CodeInvalid(HubError):
    code, status = "code_invalid", 422
    public = "This code is wrong, used or too old. Ask for a new one."


def normal_email(email: str) -> str:
    return email.strip().lower()


def account_bound(settings: HubSettings, email: str) -> Bound:
    return Bound("login", normal_email(email), settings.login_tries, settings.login_lock_minutes)


def login(
    database: Database,
    box: SecretBox,
    settings: HubSettings,
    email: str,
    password: str,
    code: str,
    cookie: bool,
    address: str,
) -> tuple[User, sessions.Opened]:
    """Opens its own transactions: a failed try is counted and recorded although the request fails."""
    account = account_bound(settings, email)
    place = Bound("login-from", address, settings.login_tries_per_address, settings.login_lock_minutes)
    count_try(database, account, place)
    with database.session() as session:
        user = session.scalar(select(User).where(User.email == normal_email(email), User.is_active))
        right = passwords.is_right(user.password_hash if user else None, password)
        user_id = user.id if user else None  # the row itself is of no use once a transaction of it has failed
    if user_id is None or not right:
        _refuse(database, user_id, LoginFailed())
    try:
        with database.session() as session:
            user = session.get_one(User, user_id)
            if user.totp_confirmed_at is not None:
                totp.check(session, box, user, code)
            user.password_hash = passwords.rehashed(user.password_hash or "", password)
            opened = sessions.open_login(session, settings, user, cookie, sessions.restriction(settings, user))
            forget_tries(session, account)
            give_back(session, place)
    except totp.TotpWrong as error:
        _refuse(database, user_id, error)
    return user, opened


def _refuse(database: Database, user_id: UUID | None, error: HubError) -> NoReturn:
    with database.session() as session:
        subject = str(user_id) if user_id else "unknown account"
        record(session, "anonymous", "user.login_failed", subject, code=error.code)
    raise error


def logout(session: Session, user: User, row: ApiToken) -> None:
    session.delete(row)
    record(session, str(user.id), "user.logged_out", str(user.id))


def change_password(session: Session, settings: HubSettings, user: User, row: ApiToken, current: str, new: str) -> None:
    """Every other login of this person ends; API tokens stay."""
    if not passwords.is_right(user.password_hash, current):
        raise PasswordWrong
    _set_password(session, settings, user, new, keep=row)
    record(session, str(user.id), "user.password_changed", str(user.id))


def ask_reset(database: Database, settings: HubSettings, email: str, address: str) -> None:
    """Looks the same for an e-mail without an account."""
    count_try(database, Bound("reset", normal_email(email), 5, 60), Bound("reset-from", address, 50, 60))
    with database.session() as session:
        user = session.scalar(select(User).where(User.email == normal_email(email), User.is_active))
        if user is not None:
            send_reset_code(session, settings, user, str(user.id))


def send_reset_code(session: Session, settings: HubSettings, user: User, actor: str) -> None:
    code = new_code()
    expires_at = now() + timedelta(minutes=settings.reset_code_minutes)
    session.add(ResetCode(user_id=user.id, code_sha256=sha256(code), expires_at=expires_at))
    send(
        session,
        user.email,
        "Choose a new password for FLIP",
        f"Hello {user.name},\n\n"
        f"to choose a new password, open {settings.base_url}/reset-password#{code}\n"
        f"or enter this code: {code}\n\n"
        f"It works once, until {expires_at:%Y-%m-%d %H:%M} UTC. If you did not ask for it, ignore this mail.\n",
    )
    record(session, actor, "user.reset_code_sent", str(user.id))


def reset_password(session: Session, settings: HubSettings, code: str, new: str) -> None:
    taken = delete(ResetCode).where(ResetCode.code_sha256 == sha256(code), ResetCode.expires_at > now())
    user_id = session.scalar(taken.returning(ResetCode.user_id))
    user = session.get(User, user_id) if user_id else None
    if user is None or not user.is_active:
        raise CodeInvalid
    _set_password(session, settings, user, new, keep=None)
    session.execute(delete(ResetCode).where(ResetCode.user_id == user.id))
    forget_tries(session, account_bound(settings, user.email))
    record(session, str(user.id), "user.password_reset", str(user.id))


def _set_password(session: Session, settings: HubSettings, user: User, new: str, keep: ApiToken | None) -> None:
    user.password_hash, user.must_change_password = passwords.hashed(new, user.email, user.name), False
    sessions.end_logins(session, user, keep=keep.id if keep else None)
    session.flush()
    sessions.lift_restriction(session, settings, user)
    send(
        session,
        user.email,
        "Your FLIP password was changed",
        f"Hello {user.name},\n\nyour password was changed on {now():%Y-%m-%d %H:%M} UTC, and your other logins have "
        f"ended.\nIf this was not you, choose a new one at {settings.base_url}/reset-password and tell your admin.\n",
    )

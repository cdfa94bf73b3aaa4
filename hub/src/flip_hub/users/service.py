"""Accounts, as an admin makes and changes them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.orm import Session

from flip_contracts.codes import new_code
from flip_hub.audit.service import record
from flip_hub.db import now
from flip_hub.errors import Conflict, FieldInvalid, NotFound, TrustUnknown
from flip_hub.login import passwords, sessions, totp
from flip_hub.permissions import ROLES
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User, UserTrust


class EmailTaken(Conflict):
    code = "email_taken"
    public = "There is already an account with this e-mail."


class LastAdmin(Conflict):
    code = "last_admin"
    public = "This is the only active admin. Make somebody else an admin first."


class RoleTrustsMismatch(FieldInvalid):
    code = "role_trusts_mismatch"
    public = "A trust admin speaks for one trust or more; other roles speak for none."


def create_user(
    session: Session,
    actor: str,
    email: str,
    name: str,
    role: str,
    password: str | None,
    must_change_password: bool = False,
    trusts: Sequence[str] = (),
) -> tuple[User, str]:
    """Returns the user and the password to hand over once."""
    password = password or new_code()
    password_hash = passwords.hashed(password, email, name)
    user = add_user(session, actor, email, name, role, password_hash, trusts_named(session, role, trusts))
    user.must_change_password = must_change_password
    return user, password


def add_user(
    session: Session, actor: str, email: str, name: str, role: str, password_hash: str | None, trust_ids: Sequence[UUID]
) -> User:
    if role not in ROLES:
        raise FieldInvalid(f"Role must be one of {', '.join(ROLES)}.")
    email = email.strip().lower()
    if session.scalar(select(User.id).where(User.email == email)):
        raise EmailTaken
    user = User(email=email, name=name, role=role, password_hash=password_hash)
    session.add(user)
    session.flush()
    session.add_all(UserTrust(user_id=user.id, trust_id=trust_id) for trust_id in trust_ids)
    record(session, actor, "user.created", str(user.id), role=role, trusts=[str(one) for one in trust_ids])
    session.flush()
    return user


def trusts_named(session: Session, role: str, names: Sequence[str]) -> list[UUID]:
    """The trusts that somebody of this role is to speak for."""
    if (role == "trust_admin") != bool(names):
        raise RoleTrustsMismatch
    found = {trust.name: trust.id for trust in session.scalars(select(Trust).where(Trust.name.in_(names)))}
    if unknown := sorted(set(names) - set(found)):
        raise TrustUnknown(unknown=unknown)
    return sorted(found.values())


def trust_names(session: Session, user: User) -> list[str]:
    return list(
        session.scalars(
            select(Trust.name)
            .join(UserTrust, UserTrust.trust_id == Trust.id)
            .where(UserTrust.user_id == user.id)
            .order_by(Trust.name)
        )
    )


def get_user(session: Session, user_id: UUID) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound
    return user


def found_users(search: str, role: str | None, active: bool | None) -> Select[User]:
    """Those whose e-mail or name holds `search`."""
    query = select(User)
    if search:
        query = query.where(
            or_(User.email.icontains(search, autoescape=True), User.name.icontains(search, autoescape=True))
        )
    if role is not None:
        query = query.where(User.role == role)
    return query if active is None else query.where(User.is_active == active)


def change_user(session: Session, admin: User, user_id: UUID, changes: dict[str, Any]) -> User:
    """`changes`: any of name, role, trusts, is_active. Takes effect at the person's next request."""
    # Every admin is locked, in one order: two that demote each other at the same moment cannot leave none.
    admins = set(session.scalars(_active_admins().with_for_update(key_share=True)))
    user = get_user(session, user_id)
    session.refresh(user, with_for_update={"key_share": True})
    role = changes.get("role", user.role)
    if user.id in admins and (role != "admin" or not changes.get("is_active", True)) and admins == {user.id}:
        raise LastAdmin
    if "role" in changes or "trusts" in changes:
        names = changes.get("trusts", [] if "role" in changes else trust_names(session, user))
        trust_ids = trusts_named(session, role, names)
        session.execute(delete(UserTrust).where(UserTrust.user_id == user.id))
        session.add_all(UserTrust(user_id=user.id, trust_id=trust_id) for trust_id in trust_ids)
    user.role, user.name = role, changes.get("name", user.name)
    user.is_active = changes.get("is_active", user.is_active)
    if not user.is_active:
        sessions.end_logins(session, user, tokens_too=True)
    record(session, str(admin.id), "user.changed", str(user.id), **changes)
    session.flush()
    return user


def _active_admins() -> Select[UUID]:
    return select(User.id).where(User.role == "admin", User.is_active).order_by(User.id)


def reset_totp(session: Session, admin: User, user: User) -> None:
    """For who has lost phone and recovery codes: the next login sets up a new authenticator."""
    totp.forget(session, user)
    sessions.end_logins(session, user)
    record(session, str(admin.id), "user.totp_reset", str(user.id))


def sign_out(session: Session, admin: User, user: User) -> None:
    """End every login and API token of this person."""
    sessions.end_logins(session, user, tokens_too=True)
    record(session, str(admin.id), "user.signed_out", str(user.id), at=now().isoformat())

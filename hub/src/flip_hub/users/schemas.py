"""Accounts as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session

from flip_contracts.wire import TrustName
from flip_hub.permissions import Role
from flip_hub.users import service
from flip_hub.users.tables import User

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$"
    ),
]
PersonName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^<>\x00-\x1f]+$")
]
Password = Annotated[str, Field(max_length=1000)]
TrustNames = Annotated[list[TrustName], Field(max_length=100)]


class UserCreate(BaseModel):
    """`password` null: a random one is made. `trusts`: those that a trust admin speaks for."""

    model_config = ConfigDict(extra="forbid")
    email: Email
    name: PersonName
    role: Role
    trusts: TrustNames = []
    password: Password | None = None
    must_change_password: bool = True


class UserUpdate(BaseModel):
    """What is left out stays. A new role that needs trusts takes them along."""

    model_config = ConfigDict(extra="forbid")
    name: PersonName = ""
    role: Role = "viewer"
    trusts: TrustNames = []
    is_active: bool = True


class UserRead(BaseModel):
    """`trusts`: those that a trust admin speaks for; empty for others."""

    id: UUID
    email: str
    name: str
    role: Role
    trusts: list[str]


class AccountRead(UserRead):
    """`has_password` is false for who logs in at their organisation only."""

    is_active: bool
    has_password: bool
    has_totp: bool
    must_change_password: bool
    created_at: datetime
    last_login_at: datetime | None


class UserCreated(BaseModel):
    """`password` is shown this once."""

    user: UserRead
    password: str


def read_user(session: Session, user: User) -> UserRead:
    return UserRead.model_validate(_fields(user, _trusts(session, user)))


def read_account(session: Session, user: User) -> AccountRead:
    return AccountRead.model_validate(
        {
            **_fields(user, _trusts(session, user)),
            "is_active": user.is_active,
            "has_password": user.password_hash is not None,
            "has_totp": user.totp_confirmed_at is not None,
            "must_change_password": user.must_change_password,
            "created_at": user.created_at,
            "last_login_at": user.last_login_at,
        }
    )


def _trusts(session: Session, user: User) -> list[str]:
    return service.trust_names(session, user) if user.role == "trust_admin" else []


def _fields(user: User, trusts: Sequence[str]) -> dict[str, object]:
    return {"id": user.id, "email": user.email, "name": user.name, "role": user.role, "trusts": list(trusts)}

"""Login and accounts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from flip_hub.auth import AdminUser, Bearer, CurrentUser
from flip_hub.db import WriteSession
from flip_hub.users import service
from flip_hub.users.tables import User

router = APIRouter(tags=["users"])


class LoginRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(max_length=1000)]


class UserCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    role: str
    password: Annotated[str, Field(min_length=12, max_length=1000)] | None = None


class UserRead(BaseModel):
    id: UUID
    email: str
    name: str
    role: str


class UserCreated(BaseModel):
    """`password` is shown this once."""

    user: UserRead
    password: str


class LoginRead(BaseModel):
    token: str
    expires_at: datetime
    user: UserRead


def _read(user: User) -> UserRead:
    return UserRead(id=user.id, email=user.email, name=user.name, role=user.role)


@router.post("/auth/login")
def login(body: LoginRequest, session: WriteSession, request: Request) -> LoginRead:
    hours = request.app.state.settings.token_hours
    user, token, expires_at = service.login(session, body.email, body.password, hours)
    return LoginRead(token=token, expires_at=expires_at, user=_read(user))


@router.post("/auth/logout", status_code=204)
def logout(token: Bearer, user: CurrentUser, session: WriteSession) -> Response:
    """The token of this request is not valid any more."""
    service.logout(session, user, token)
    return Response(status_code=204)


@router.get("/users/me")
def get_me(user: CurrentUser) -> UserRead:
    return _read(user)


@router.post("/users", status_code=201)
def create_user(body: UserCreate, admin: AdminUser, session: WriteSession) -> UserCreated:
    user, password = service.create_user(session, str(admin.id), body.email, body.name, body.role, body.password)
    return UserCreated(user=_read(user), password=password)

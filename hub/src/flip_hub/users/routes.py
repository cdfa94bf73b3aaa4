"""Accounts, for admins."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from flip_hub.auth import CurrentUser, UserManager
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import FieldInvalid, TrustUnknown, errors
from flip_hub.login.passwords import PasswordTooWeak
from flip_hub.login.service import send_reset_code
from flip_hub.paging import AskedPage, CursorInvalid, Page, paged
from flip_hub.permissions import Role
from flip_hub.routing import Router
from flip_hub.users import service
from flip_hub.users.schemas import (
    AccountRead,
    UserCreate,
    UserCreated,
    UserRead,
    UserUpdate,
    read_account,
    read_user,
)
from flip_hub.users.service import EmailTaken, LastAdmin, RoleTrustsMismatch
from flip_hub.users.tables import User

router = Router(prefix="/users", tags=["users"])


@router.get("/me")
def get_me(user: CurrentUser, session: ReadSession) -> UserRead:
    """Who this login belongs to."""
    return read_user(session, user)


@router.get("", responses=errors(CursorInvalid))
def list_users(
    admin: UserManager,
    session: ReadSession,
    asked: AskedPage,
    search: Annotated[str, Query(max_length=100)] = "",
    role: Role | None = None,
    active: bool | None = None,
) -> Page[AccountRead]:
    """Accounts, newest first. `search` looks into e-mails and names."""
    query, keys = service.found_users(search, role, active), (User.created_at, User.id)
    return paged(session, query, keys, asked, lambda user: read_account(session, user))


@router.post(
    "", status_code=201, responses=errors(EmailTaken, FieldInvalid, PasswordTooWeak, RoleTrustsMismatch, TrustUnknown)
)
def create_user(body: UserCreate, admin: UserManager, session: WriteSession) -> UserCreated:
    """Make an account with a password that is shown once. `POST /invitations` is kinder: people choose their own."""
    user, password = service.create_user(
        session, str(admin.id), body.email, body.name, body.role, body.password, body.must_change_password, body.trusts
    )
    return UserCreated(user=read_user(session, user), password=password)


@router.get("/{user_id}")
def get_user(user_id: UUID, admin: UserManager, session: ReadSession) -> AccountRead:
    """One account."""
    return read_account(session, service.get_user(session, user_id))


@router.patch("/{user_id}", responses=errors(LastAdmin, RoleTrustsMismatch, TrustUnknown))
def update_user(user_id: UUID, body: UserUpdate, admin: UserManager, session: WriteSession) -> AccountRead:
    """Change name, role or trusts; disable or enable. It holds from the person's next request on."""
    changes = body.model_dump(exclude_unset=True)
    return read_account(session, service.change_user(session, admin, user_id, changes))


@router.post("/{user_id}/totp-reset", status_code=204)
def reset_totp(user_id: UUID, admin: UserManager, session: WriteSession) -> Response:
    """Forget a lost authenticator: the next login sets up a new one."""
    service.reset_totp(session, admin, service.get_user(session, user_id))
    return Response(status_code=204)


@router.post("/{user_id}/password-reset", status_code=202, response_class=Response)
def send_password_reset(user_id: UUID, admin: UserManager, session: WriteSession, request: Request) -> Response:
    """Mail a code to choose a new password. Without a mail server it waits in the outbox (`GET /mails`)."""
    user = service.get_user(session, user_id)
    send_reset_code(session, request.app.state.settings, user, str(admin.id))
    return Response(status_code=202)


@router.post("/{user_id}/sign-out", status_code=204)
def sign_out_user(user_id: UUID, admin: UserManager, session: WriteSession) -> Response:
    """End every login and API token of this person."""
    service.sign_out(session, admin, service.get_user(session, user_id))
    return Response(status_code=204)

"""Invitations and access requests."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from flip_hub.auth import UserManager
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import TrustUnknown, errors
from flip_hub.invitations import service
from flip_hub.invitations.service import AlreadyHandled, RequestsClosed
from flip_hub.invitations.tables import AccessRequest, Invitation
from flip_hub.login.routes import address_of
from flip_hub.login.throttle import TooManyTries
from flip_hub.paging import AskedPage, CursorInvalid, Page, paged
from flip_hub.permissions import Role
from flip_hub.routing import Router
from flip_hub.users.schemas import Email, PersonName, TrustNames
from flip_hub.users.service import EmailTaken, RoleTrustsMismatch

router = Router(tags=["invitations"])
State = Literal["pending", "approved", "dismissed"]


class InvitationCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: Email
    name: PersonName
    role: Role
    trusts: TrustNames = []


class InvitationRead(BaseModel):
    """The code went by mail; it is not shown here."""

    id: UUID
    email: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime


class AccessRequestCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: Email
    name: PersonName
    organisation: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class AccessRequestApprove(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Role
    trusts: TrustNames = []


class AccessRequestDismiss(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Annotated[str, Field(max_length=500)] = ""


class AccessRequestRead(BaseModel):
    id: UUID
    email: str
    name: str
    organisation: str
    reason: str
    state: State
    note: str
    created_at: datetime
    handled_by: UUID | None
    handled_at: datetime | None


def _read_invitation(row: Invitation) -> InvitationRead:
    return InvitationRead.model_validate(row, from_attributes=True)


def _read_request(row: AccessRequest) -> AccessRequestRead:
    return AccessRequestRead.model_validate(row, from_attributes=True)


@router.post("/invitations", status_code=201, responses=errors(EmailTaken, RoleTrustsMismatch, TrustUnknown))
def create_invitation(
    body: InvitationCreate, admin: UserManager, session: WriteSession, request: Request
) -> InvitationRead:
    """Invite somebody by mail; they choose their own password. Again for the same e-mail: the old code is void."""
    settings = request.app.state.settings
    return _read_invitation(service.invite(session, settings, admin, body.email, body.name, body.role, body.trusts))


@router.get("/invitations", responses=errors(CursorInvalid))
def list_invitations(admin: UserManager, session: ReadSession, asked: AskedPage) -> Page[InvitationRead]:
    """Invitations that nobody has accepted yet, newest first."""
    return paged(session, select(Invitation), (Invitation.created_at, Invitation.id), asked, _read_invitation)


@router.delete("/invitations/{invitation_id}", status_code=204)
def delete_invitation(invitation_id: UUID, admin: UserManager, session: WriteSession) -> Response:
    """Take an invitation back: its code is void."""
    service.take_back(session, admin, invitation_id)
    return Response(status_code=204)


@router.post(
    "/access-requests", status_code=202, response_class=Response, responses=errors(RequestsClosed, TooManyTries)
)
def create_access_request(body: AccessRequestCreate, request: Request) -> Response:
    """Ask for an account, without one. The admins are told; the answer here is always the same."""
    state = request.app.state
    service.ask_access(
        state.database, state.settings, body.email, body.name, body.organisation, body.reason, address_of(request)
    )
    return Response(status_code=202)


@router.get("/access-requests", responses=errors(CursorInvalid))
def list_access_requests(
    admin: UserManager, session: ReadSession, asked: AskedPage, state: State | None = None
) -> Page[AccessRequestRead]:
    """Requests for accounts, newest first."""
    query = select(AccessRequest)
    query = query.where(AccessRequest.state == state) if state else query
    return paged(session, query, (AccessRequest.created_at, AccessRequest.id), asked, _read_request)


@router.post(
    "/access-requests/{request_id}/approve",
    responses=errors(AlreadyHandled, EmailTaken, RoleTrustsMismatch, TrustUnknown),
)
def approve_access_request(
    request_id: UUID, body: AccessRequestApprove, admin: UserManager, session: WriteSession, request: Request
) -> AccessRequestRead:
    """Send an invitation with this role."""
    settings = request.app.state.settings
    return _read_request(service.approve(session, settings, admin, request_id, body.role, body.trusts))


@router.post("/access-requests/{request_id}/dismiss", responses=errors(AlreadyHandled))
def dismiss_access_request(
    request_id: UUID, body: AccessRequestDismiss, admin: UserManager, session: WriteSession
) -> AccessRequestRead:
    """Close the request without an account. Nothing is mailed."""
    return _read_request(service.dismiss(session, admin, request_id, body.note))

"""Invitations, and the requests of people who have no account yet."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from flip_contracts.codes import new_code
from flip_hub.audit.service import record
from flip_hub.auth import sha256
from flip_hub.db import Database, now
from flip_hub.errors import Conflict, HubError, NotFound
from flip_hub.invitations.tables import AccessRequest, Invitation
from flip_hub.login import passwords
from flip_hub.login.throttle import Bound, count_try
from flip_hub.mail.service import send
from flip_hub.settings import HubSettings
from flip_hub.trusts.tables import Trust
from flip_hub.users.service import EmailTaken, add_user, trusts_named
from flip_hub.users.tables import User


class InvitationInvalid(HubError):
    code, status = "invitation_invalid", 422
    public = "This invitation is used, taken back or too old. Ask an admin for a new one."


class RequestsClosed(HubError):
    code, status = "access_requests_closed", 403
    public = "This hub takes no requests for accounts. Ask its admin for an invitation."


class AlreadyHandled(Conflict):
    code = "access_request_handled"
    public = "Somebody has already answered this request."


def invite(
    session: Session, settings: HubSettings, admin: User, email: str, name: str, role: str, trusts: Sequence[str]
) -> Invitation:
    """Mail a code that makes an account. An earlier invitation of the same e-mail is void."""
    trust_ids = trusts_named(session, role, trusts)
    if session.scalar(select(User.id).where(User.email == email)):
        raise EmailTaken
    code = new_code()
    values = {
        "name": name,
        "role": role,
        "trust_ids": [str(trust_id) for trust_id in trust_ids],
        "code_sha256": sha256(code),
        "expires_at": now() + timedelta(days=settings.invitation_days),
        "invited_by": admin.id,
    }
    made = insert(Invitation).values(id=uuid4(), email=email, created_at=now(), **values)
    invitation = session.scalars(
        made.on_conflict_do_update(index_elements=[Invitation.email], set_={**values, "created_at": now()}).returning(
            Invitation
        ),
        execution_options={"populate_existing": True},
    ).one()
    send(
        session,
        email,
        "Your account at FLIP",
        f"Hello {name},\n\n"
        f"{admin.name} invites you to FLIP. Choose your password at {settings.base_url}/accept-invitation#{code}\n"
        f"or enter this code: {code}\n\nIt works once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC.\n",
    )
    record(session, str(admin.id), "invitation.sent", str(invitation.id), role=role)
    return invitation


def accept(session: Session, code: str, name: str, password: str) -> User:
    """Make the account; the invitation is used up."""
    taken = delete(Invitation).where(Invitation.code_sha256 == sha256(code), Invitation.expires_at > now())
    invitation = session.scalars(taken.returning(Invitation)).one_or_none()
    if invitation is None:
        raise InvitationInvalid
    password_hash = passwords.hashed(password, invitation.email, name or invitation.name)
    return _account(session, invitation, name, password_hash)


def accept_by_login(session: Session, email: str, name: str) -> User | None:
    """The same for who comes by the organisation's login: the e-mail is proven there."""
    taken = delete(Invitation).where(Invitation.email == email, Invitation.expires_at > now())
    invitation = session.scalars(taken.returning(Invitation)).one_or_none()
    return _account(session, invitation, name, None) if invitation else None


def _account(session: Session, invitation: Invitation, name: str, password_hash: str | None) -> User:
    wanted = [UUID(one) for one in invitation.trust_ids]
    trust_ids = list(session.scalars(select(Trust.id).where(Trust.id.in_(wanted))))  # one may be gone since
    actor = f"invitation:{invitation.id}"
    return add_user(
        session, actor, invitation.email, name or invitation.name, invitation.role, password_hash, trust_ids
    )


def take_back(session: Session, admin: User, invitation_id: UUID) -> None:
    invitation = session.get(Invitation, invitation_id)
    if invitation is None:
        raise NotFound
    session.delete(invitation)
    record(session, str(admin.id), "invitation.taken_back", str(invitation_id))


def ask_access(
    database: Database, settings: HubSettings, email: str, name: str, organisation: str, reason: str, address: str
) -> None:
    """Looks the same whether or not the e-mail has an account; a repeat while one is pending changes that one."""
    if not settings.access_requests:
        raise RequestsClosed
    count_try(database, Bound("access", email, 5, 24 * 60), Bound("access-from", address, 30, 24 * 60))
    with database.session() as session:
        if session.scalar(select(User.id).where(User.email == email)):
            return
        pending = select(AccessRequest).where(AccessRequest.email == email, AccessRequest.state == "pending")
        request = session.scalars(pending.limit(1)).first()
        if request is not None:
            request.name, request.organisation, request.reason = name, organisation, reason
            return
        request = AccessRequest(
            email=email, name=name, organisation=organisation, reason=reason, state="pending", note=""
        )
        session.add(request)
        session.flush()
        record(session, "anonymous", "access.requested", str(request.id))
        for admin in session.scalars(select(User).where(User.role == "admin", User.is_active)):
            send(
                session,
                admin.email,
                "Somebody asks for an account at FLIP",
                f"Hello {admin.name},\n\na request for an account waits at {settings.base_url}/admin/access-requests\n",
            )


def approve(
    session: Session, settings: HubSettings, admin: User, request_id: UUID, role: str, trusts: Sequence[str]
) -> AccessRequest:
    """Send an invitation."""
    request = _pending(session, request_id)
    invite(session, settings, admin, request.email, request.name, role, trusts)
    return _handled(session, admin, request, "approved", "")


def dismiss(session: Session, admin: User, request_id: UUID, note: str) -> AccessRequest:
    """Say no. `note` is for admins; nothing is mailed."""
    return _handled(session, admin, _pending(session, request_id), "dismissed", note)


def _pending(session: Session, request_id: UUID) -> AccessRequest:
    request = session.get(AccessRequest, request_id, with_for_update=True)
    if request is None:
        raise NotFound
    if request.state != "pending":
        raise AlreadyHandled(state=request.state)
    return request


def _handled(session: Session, admin: User, request: AccessRequest, state: str, note: str) -> AccessRequest:
    request.state, request.note, request.handled_by, request.handled_at = state, note, admin.id, now()
    record(session, str(admin.id), f"access.{state}", str(request.id))
    return request

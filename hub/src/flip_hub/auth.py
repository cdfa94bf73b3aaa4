"""Who is asking, and may they. What a role may do stands in `flip_hub.permissions`; membership and ownership here."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from flip_hub.db import ReadSession, now
from flip_hub.errors import Forbidden, HubError, NotAuthenticated, NotFound
from flip_hub.models.tables import Model
from flip_hub.permissions import PERMISSIONS
from flip_hub.projects.tables import Project, ProjectMember, ProjectTrust
from flip_hub.runs.tables import Run
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import ApiToken, User, UserTrust

COOKIE: Final = "flip_session"
SECURE_COOKIE: Final = "__Host-flip_session"  # the prefix makes browsers insist on Secure, Path=/ and no Domain
CSRF_HEADER: Final = "x-csrf-token"
SESSION_PREFIX: Final = "flips_"  # a session travels by cookie only, a token by header only: neither works as the other
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
NOTE_USE_EVERY: Final = timedelta(minutes=1)


class ScopeMissing(HubError):
    code, status = "scope_missing", 403
    public = "This API token lacks a scope for that. Create one with the scope that the message names."


class SessionRestricted(HubError):
    code, status = "session_restricted", 403
    public = "Finish your login first: `details.next` says whether to set up TOTP or to choose a new password."


class CsrfTokenMissing(HubError):
    code, status = "csrf_token_missing", 403
    public = "Send the `csrf_token` of your login (or of `GET /api/v1/auth/session`) as the header `X-CSRF-Token`."


class LoginNeeded(HubError):
    code, status = "login_needed", 403
    public = "An API token cannot do this. Log in with your password or your organisation's login."


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def csrf_token(session_token: str) -> str:
    """Derived, so it need not be kept: only who holds the cookie's value or was told it can know it."""
    return hmac.new(session_token.encode(), b"csrf", hashlib.sha256).hexdigest()


def may(user: User, permission: str) -> bool:
    row = PERMISSIONS.get(permission)
    return row is not None and user.role in row.roles and (user.scopes is None or row.scope in user.scopes)


def require(user: User, permission: str) -> None:
    if may(user, permission):
        return
    row = PERMISSIONS[permission]
    if user.role in row.roles:
        raise ScopeMissing(f"This API token lacks the scope `{row.scope}`.", scope=row.scope)
    who = sorted(row.roles)
    raise Forbidden(
        f"This needs the permission to {row.what}. You are {_role(user.role)}; {' or '.join(map(_role, who))} has it.",
        permission=permission,
        roles=who,
        your_role=user.role,
    )


_header = HTTPBearer(auto_error=False, description="An API token, or the token of `POST /api/v1/auth/login`.")
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, description=f"A browser's session ({SECURE_COOKIE} over HTTPS), with X-CSRF-Token."
)


def cookie_of(request: Request) -> str:
    """The browser's session token, by the name that this hub gives the cookie."""
    return request.cookies.get(SECURE_COOKIE if request.app.state.settings.secure_cookies else COOKIE, "")


async def _bearer(
    request: Request,
    sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_header)],
    _: Annotated[str | None, Depends(_cookie)],
    x_csrf_token: Annotated[str, Header(include_in_schema=False)] = "",
) -> str:
    """The SHA-256 of the token: from the header, or of the session from the cookie together with its CSRF token."""
    if request.headers.get("authorization"):
        if sent is None or not sent.credentials or sent.credentials.startswith(SESSION_PREFIX):
            raise NotAuthenticated
        return sha256(sent.credentials)
    session_token = cookie_of(request)
    if not session_token.startswith(SESSION_PREFIX):
        raise NotAuthenticated
    expected = csrf_token(session_token).encode()
    if request.method not in SAFE_METHODS and not hmac.compare_digest(x_csrf_token.encode(), expected):
        raise CsrfTokenMissing
    return sha256(session_token)


Bearer = Annotated[str, Depends(_bearer)]


def login_of_token(session: Session, token: str) -> tuple[User, ApiToken]:
    """Whose token this is and the token itself, restricted or not."""
    found = session.execute(
        select(User, ApiToken)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.token_sha256 == token, ApiToken.expires_at > now(), User.is_active)
    ).one_or_none()
    if found is None:
        raise NotAuthenticated
    user, row = found
    idle_since = row.last_used_at or row.created_at
    if row.idle_minutes is not None and idle_since < now() - timedelta(minutes=row.idle_minutes):
        raise NotAuthenticated("You were away for too long. Log in again.")
    if row.last_used_at is None or row.last_used_at < now() - NOTE_USE_EVERY:
        # Skipped when another request of this token is noting the same: nobody waits for that.
        free = select(ApiToken.id).where(ApiToken.id == row.id).with_for_update(skip_locked=True).scalar_subquery()
        session.execute(update(ApiToken).where(ApiToken.id == free).values(last_used_at=now()))
    user.scopes = frozenset(row.scopes) if row.kind == "token" else None
    return user, row


def user_of_token(session: Session, token: str) -> User:
    """Whose token this is. For endpoints that wait and so may not hold a session; others take `CurrentUser`."""
    user, row = login_of_token(session, token)
    if row.restricted:
        raise SessionRestricted(next=row.restricted)
    return user


def _current_user(token: Bearer, session: ReadSession, request: Request) -> User:
    user = user_of_token(session, token)
    enough = frozenset({"read"} if request.method in SAFE_METHODS else {"write", "admin"})
    if user.scopes is not None and not enough & user.scopes:
        needed = "read" if "read" in enough else "write"
        raise ScopeMissing(f"This API token lacks the scope `{needed}`.", scope=needed)
    return user


CurrentUser = Annotated[User, Depends(_current_user)]


def _current_login(token: Bearer, session: ReadSession, request: Request) -> tuple[User, ApiToken]:
    """For one's own account: a restricted login may finish here, and an API token may look but not touch."""
    user, row = login_of_token(session, token)
    if row.kind == "token" and request.method not in SAFE_METHODS:
        raise LoginNeeded
    return user, row


CurrentLogin = Annotated[tuple[User, ApiToken], Depends(_current_login)]


async def _full_login(login: CurrentLogin) -> tuple[User, ApiToken]:
    if login[1].restricted:
        raise SessionRestricted(next=login[1].restricted)
    return login


FullLogin = Annotated[tuple[User, ApiToken], Depends(_full_login)]


def needs(permission: str) -> Callable[[User], Awaitable[User]]:
    """A dependency: the user, if they have this permission of the table."""

    async def permitted(user: CurrentUser) -> User:
        require(user, permission)
        return user

    permitted.__name__ = f"needs_{permission}"
    return permitted


UserManager = Annotated[User, Depends(needs("manage_users"))]
TrustManager = Annotated[User, Depends(needs("manage_trusts"))]
NetManager = Annotated[User, Depends(needs("manage_nets"))]
SiteManager = Annotated[User, Depends(needs("manage_site"))]
Auditor = Annotated[User, Depends(needs("see_audit"))]
AdminUser = Annotated[User, Depends(needs("administer"))]


def trust_of_token(session: Session, token: str) -> Trust:
    """Whose token this is. The first use of a rotated token ends the one before it."""
    trust = session.scalar(
        select(Trust).where(
            (Trust.token_sha256 == token) | (Trust.next_token_sha256 == token), Trust.revoked_at.is_(None)
        )
    )
    if trust is None:
        raise NotAuthenticated("This token belongs to no trust. Enrol again with a code from the hub's admin.")
    if trust.next_token_sha256 == token:
        trust.token_sha256, trust.next_token_sha256 = token, None
    return trust


def _current_trust(token: Bearer, session: ReadSession) -> Trust:
    return trust_of_token(session, token)


CurrentTrust = Annotated[Trust, Depends(_current_trust)]


def speaks_for(session: Session, user: User, trust_id: UUID) -> bool:
    """Whether this user is a trust admin of this trust."""
    return user.role == "trust_admin" and session.get(UserTrust, (user.id, trust_id)) is not None


def staged_at_own_trusts(user: User) -> Select[UUID]:
    """Ids of the projects that are staged at a trust for which this user speaks."""
    return (
        select(ProjectTrust.project_id)
        .join(UserTrust, UserTrust.trust_id == ProjectTrust.trust_id)
        .where(UserTrust.user_id == user.id)
    )


def _staged_at_own_trust(session: Session, user: User, project_id: UUID) -> bool:
    staged = staged_at_own_trusts(user).where(ProjectTrust.project_id == project_id).limit(1)
    return may(user, "see_staged_projects") and session.scalar(staged) is not None


def visible_project(session: Session, user: User, project_id: UUID, change: bool = False) -> Project:
    """The project, or `NotFound` alike for a missing and for a hidden one. `change` needs owner, editor or admin."""
    found = session.execute(
        select(Project, ProjectMember).outerjoin(ProjectMember, _membership(user)).where(Project.id == project_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    _ensure_visible(session, user, found[0], found[1], change)
    return found[0]


def _membership(user: User) -> ColumnElement[bool]:
    return (ProjectMember.project_id == Project.id) & (ProjectMember.user_id == user.id)


def _ensure_visible(session: Session, user: User, project: Project, member: ProjectMember | None, change: bool) -> None:
    if project.deleted_at is not None:
        raise NotFound
    if not (
        member
        or project.owner_id == user.id
        or may(user, "see_all_projects")
        or _staged_at_own_trust(session, user, project.id)
    ):
        raise NotFound
    if change:
        require(user, "change_projects")


def visible_model(session: Session, user: User, model_id: UUID, change: bool = False) -> Model:
    found = session.execute(
        select(Model, Project, ProjectMember)
        .join(Project, Project.id == Model.project_id)
        .outerjoin(ProjectMember, _membership(user))
        .where(Model.id == model_id, Model.deleted_at.is_(None))
    ).one_or_none()
    if found is None:
        raise NotFound
    model, project, member = found
    _ensure_visible(session, user, project, member, change)
    return model


def visible_run(session: Session, user: User, run_id: UUID, change: bool = False) -> Run:
    found = session.execute(
        select(Run, Project, ProjectMember)
        .join(Model, Model.id == Run.model_id)
        .join(Project, Project.id == Model.project_id)
        .outerjoin(ProjectMember, _membership(user))
        .where(Run.id == run_id, Model.deleted_at.is_(None))
    ).one_or_none()
    if found is None:
        raise NotFound
    run, project, member = found
    _ensure_visible(session, user, project, member, change)
    return run


def _role(role: str) -> str:
    name = role.replace("_", " ")
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"

"""Who is asking, and may they. One permission table; what is not in it is refused."""

import hashlib
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Header
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_hub.db import ReadSession, now
from flip_hub.errors import Forbidden, NotAuthenticated, NotFound
from flip_hub.models.tables import Model
from flip_hub.projects.tables import Project, ProjectMember
from flip_hub.runs.tables import Run
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import ApiToken, User

ROLES: Final = ("admin", "researcher", "viewer")
PERMISSIONS: Final[dict[str, frozenset[str]]] = {
    "manage_users": frozenset({"admin"}),
    "manage_trusts": frozenset({"admin"}),
    "see_all_projects": frozenset({"admin"}),
    "create_projects": frozenset({"admin", "researcher"}),
    "change_projects": frozenset({"admin", "researcher"}),
}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def may(user: User, permission: str) -> bool:
    return user.role in PERMISSIONS.get(permission, frozenset())


def require(user: User, permission: str) -> None:
    if not may(user, permission):
        raise Forbidden


def _bearer(authorization: Annotated[str, Header()] = "") -> str:
    kind, _, token = authorization.partition(" ")
    if kind != "Bearer" or not token:
        raise NotAuthenticated
    return sha256(token)


Bearer = Annotated[str, Depends(_bearer)]


def user_of_token(session: Session, token: str) -> User:
    """Whose token this is. For endpoints that wait and so may not hold a session; others take `CurrentUser`."""
    user = session.scalar(
        select(User)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.token_sha256 == token, ApiToken.expires_at > now(), User.is_active)
    )
    if user is None:
        raise NotAuthenticated
    return user


def _current_user(token: Bearer, session: ReadSession) -> User:
    return user_of_token(session, token)


CurrentUser = Annotated[User, Depends(_current_user)]


def _admin(user: CurrentUser) -> User:
    if user.role != "admin":
        raise Forbidden
    return user


AdminUser = Annotated[User, Depends(_admin)]


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


def visible_project(session: Session, user: User, project_id: UUID, change: bool = False) -> Project:
    """The project, or `NotFound` alike for a missing and for a hidden one. `change` needs owner, editor or admin."""
    project = session.get(Project, project_id)
    member = project and session.get(ProjectMember, (project_id, user.id))
    if project is None or project.deleted_at is not None:
        raise NotFound
    if not (member or project.owner_id == user.id or may(user, "see_all_projects")):
        raise NotFound
    if change:
        require(user, "change_projects")
    return project


def visible_model(session: Session, user: User, model_id: UUID, change: bool = False) -> Model:
    model = session.get(Model, model_id)
    if model is None or model.deleted_at:
        raise NotFound
    visible_project(session, user, model.project_id, change)
    return model


def visible_run(session: Session, user: User, run_id: UUID, change: bool = False) -> Run:
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound
    visible_model(session, user, run.model_id, change)
    return run

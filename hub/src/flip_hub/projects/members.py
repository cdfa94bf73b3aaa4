"""Who sees a project besides its owner, and who owns it."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.auth import may
from flip_hub.errors import Forbidden, HubError, NotFound
from flip_hub.live.changes import project_changed
from flip_hub.projects.service import ensure_name_free
from flip_hub.projects.tables import Project, ProjectMember
from flip_hub.users.tables import User


class PersonUnknown(HubError):
    code, status = "person_unknown", 422
    public = "Nobody with this e-mail has an active account here. Ask them to request access first."


class OwnerCannotBeMember(HubError):
    code, status = "owner_is_no_member", 409
    public = "This person owns the project, and so has every right already."


class NewOwnerCannotOwn(HubError):
    code, status = "new_owner_cannot_own", 409
    public = "This person's role does not allow owning a project. An admin can change the role."


def ensure_owner(user: User, project: Project) -> None:
    """Members work on a project; its owner and admins say who they are, and whether it stays."""
    if project.owner_id != user.id and not may(user, "see_all_projects"):
        raise Forbidden(
            "Only the project's owner or an admin may do this.",
            permission="own_project",
            roles=["owner", "admin"],
            your_role=user.role,
        )


def members(session: Session, project_id: UUID) -> list[User]:
    query = select(User).join(ProjectMember, ProjectMember.user_id == User.id)
    return list(session.scalars(query.where(ProjectMember.project_id == project_id).order_by(User.name, User.id)))


def add_member(session: Session, user: User, project: Project, email: str) -> None:
    person = _person(session, email)
    if person.id == project.owner_id:
        raise OwnerCannotBeMember
    session.execute(insert(ProjectMember).values(project_id=project.id, user_id=person.id).on_conflict_do_nothing())
    record(session, str(user.id), "project.member_added", str(project.id), member=str(person.id))
    project_changed(session, project.id, "member_added")


def remove_member(session: Session, user: User, project: Project, person_id: UUID) -> None:
    found = session.get(ProjectMember, (project.id, person_id))
    if found is None:
        raise NotFound
    session.delete(found)
    record(session, str(user.id), "project.member_removed", str(project.id), member=str(person_id))
    project_changed(session, project.id, "member_removed")


def transfer(session: Session, user: User, project: Project, email: str) -> None:
    """The owner before stays a member."""
    session.refresh(project, with_for_update=True)
    person = _person(session, email)
    if person.id == project.owner_id:
        raise OwnerCannotBeMember
    if not may(person, "create_projects"):
        raise NewOwnerCannotOwn
    ensure_name_free(session, person.id, project.name)
    before, project.owner_id = project.owner_id, person.id
    if membership := session.get(ProjectMember, (project.id, person.id)):
        session.delete(membership)
    session.execute(insert(ProjectMember).values(project_id=project.id, user_id=before).on_conflict_do_nothing())
    record(session, str(user.id), "project.transferred", str(project.id), before=str(before), after=str(person.id))
    project_changed(session, project.id, "transferred")


def _person(session: Session, email: str) -> User:
    person = session.scalar(select(User).where(User.email == email.strip().lower(), User.is_active))
    if person is None:
        raise PersonUnknown
    return person

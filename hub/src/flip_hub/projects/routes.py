"""Projects, their members, staging and the trusts' decisions."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from flip_contracts.statuses import ProjectStatus
from flip_hub.auth import AdminUser, CurrentUser, require, visible_project
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import TrustUnknown, errors
from flip_hub.paging import AskedPage, CursorInvalid, Page
from flip_hub.projects import deciding, members, reading, service
from flip_hub.projects.deletion import NameNotConfirmed
from flip_hub.projects.deletion import delete_project as delete
from flip_hub.projects.schemas import (
    DecisionAsk,
    DeleteRequest,
    Kind,
    MemberAdd,
    PersonRead,
    ProjectCreate,
    ProjectEdit,
    ProjectRead,
    ProjectSummary,
    StageRequest,
)
from flip_hub.routing import Router
from flip_hub.trusts.service import TrustRevoked

router = Router(prefix="/projects", tags=["projects"])


@router.post("", status_code=201, responses=errors(service.ProjectNameTaken))
def create_project(body: ProjectCreate, user: CurrentUser, session: WriteSession) -> ProjectRead:
    require(user, "create_projects")
    project = service.create_project(
        session, user, body.name, body.purpose, body.kind, body.dicom_to_nifti, body.series_rule
    )
    return reading.project_read(session, project)


@router.get("", responses=errors(CursorInvalid))
def list_projects(
    user: CurrentUser,
    session: ReadSession,
    page: AskedPage,
    search: Annotated[str, Query(max_length=75, description="Part of the name.")] = "",
    owner: UUID | None = None,
    kind: Kind | None = None,
    status: ProjectStatus | None = None,
    sort: reading.Sort = "newest",
) -> Page[ProjectSummary]:
    """Own projects and those one is a member of; for a trust admin those staged at the trust; for an admin all."""
    return reading.list_projects(session, user, page, search=search, owner=owner, kind=kind, status=status, sort=sort)


@router.get("/{project_id}")
def get_project(project_id: UUID, user: CurrentUser, session: ReadSession) -> ProjectRead:
    return reading.project_read(session, visible_project(session, user, project_id))


@router.patch("/{project_id}", responses=errors(service.ProjectNotUnstaged, service.ProjectNameTaken))
def edit_project(project_id: UUID, body: ProjectEdit, user: CurrentUser, session: WriteSession) -> ProjectRead:
    """Until it is staged."""
    project = visible_project(session, user, project_id, change=True)
    service.edit_project(session, user, project, body.model_dump(mode="json", exclude_unset=True))
    return reading.project_read(session, project)


@router.post("/{project_id}/delete", status_code=204, responses=errors(NameNotConfirmed))
def delete_project(project_id: UUID, body: DeleteRequest, user: CurrentUser, session: WriteSession) -> Response:
    """Running training stops, trusts forget the cohort. There is no way back."""
    project = visible_project(session, user, project_id, change=True)
    members.ensure_owner(user, project)
    delete(session, user, project, body.name)
    return Response(status_code=204)


@router.get("/{project_id}/members")
def list_members(project_id: UUID, user: CurrentUser, session: ReadSession) -> list[PersonRead]:
    visible_project(session, user, project_id)
    return [reading.person_read(person) for person in members.members(session, project_id)]


@router.post(
    "/{project_id}/members", status_code=201, responses=errors(members.PersonUnknown, members.OwnerCannotBeMember)
)
def add_member(project_id: UUID, body: MemberAdd, user: CurrentUser, session: WriteSession) -> list[PersonRead]:
    """By e-mail. Adding somebody twice changes nothing. What a member may do is up to their role."""
    project = visible_project(session, user, project_id, change=True)
    members.ensure_owner(user, project)
    members.add_member(session, user, project, body.email)
    return [reading.person_read(person) for person in members.members(session, project_id)]


@router.delete("/{project_id}/members/{person_id}", status_code=204)
def remove_member(project_id: UUID, person_id: UUID, user: CurrentUser, session: WriteSession) -> Response:
    """The owner removes anybody; a member may leave."""
    project = visible_project(session, user, project_id)
    if person_id != user.id:
        members.ensure_owner(user, project)
    members.remove_member(session, user, project, person_id)
    return Response(status_code=204)


@router.post(
    "/{project_id}/transfer",
    responses=errors(
        members.PersonUnknown, members.OwnerCannotBeMember, members.NewOwnerCannotOwn, service.ProjectNameTaken
    ),
)
def transfer_project(project_id: UUID, body: MemberAdd, user: CurrentUser, session: WriteSession) -> ProjectRead:
    """Give the project to somebody else; who owned it stays a member."""
    project = visible_project(session, user, project_id, change=True)
    members.ensure_owner(user, project)
    members.transfer(session, user, project, body.email)
    return reading.project_read(session, project)


@router.post(
    "/{project_id}/stage",
    responses=errors(
        service.ProjectNotUnstaged, service.NoCohortQuery, service.TrustHasNoUsableAnswer, TrustUnknown, TrustRevoked
    ),
)
def stage_project(project_id: UUID, body: StageRequest, user: CurrentUser, session: WriteSession) -> ProjectRead:
    """Ask these trusts to approve it. Each must have answered the saved cohort query."""
    project = visible_project(session, user, project_id, change=True)
    service.stage(session, user, project, body.trusts)
    return reading.project_read(session, project)


@router.post("/{project_id}/unstage", responses=errors(service.ProjectNotStaged))
def unstage_project(project_id: UUID, admin: AdminUser, session: WriteSession) -> ProjectRead:
    """Back to draft, as long as no trust has approved it."""
    project = visible_project(session, admin, project_id, change=True)
    service.unstage(session, admin, project)
    return reading.project_read(session, project)


@router.post(
    "/{project_id}/trusts/{trust_id}/decision",
    status_code=202,
    responses=errors(deciding.NotYourTrust, deciding.DecideAtTheHospital, deciding.DecisionImpossible),
)
def decide_for_trust(
    project_id: UUID, trust_id: UUID, body: DecisionAsk, user: CurrentUser, session: WriteSession
) -> ProjectRead:
    """For a trust's admin. The trust looks at its policy, decides and signs; `hub_request` says what became of it."""
    project = visible_project(session, user, project_id)
    deciding.ask(session, user, project, trust_id, body.action, body.conditions, body.expires_days)
    return reading.project_read(session, project)

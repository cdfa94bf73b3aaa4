"""Projects, staging and the trusts' decisions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from flip_hub.auth import CurrentUser, require, visible_project
from flip_hub.db import ReadSession, WriteSession
from flip_hub.projects import service
from flip_hub.projects.tables import Project

router = APIRouter(prefix="/projects", tags=["projects"])


class ProjectCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=75, pattern=r"^[^<>&\x00-\x1f]+$")]
    purpose: Annotated[str, Field(min_length=1, max_length=2000)]
    kind: Literal["imaging", "tabular"]


class StageRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    trusts: Annotated[list[str], Field(min_length=1)]


class ImagingRead(BaseModel):
    """Counts of accessions by stage and by reason of exclusion, rounded; those in `suppressed` are under `threshold`.

    Without a threshold the trust is of an older version and its counts are exact.
    """

    stages: dict[str, int]
    excluded: dict[str, int]
    suppressed: list[str] = []
    threshold: int | None = None
    rounded_to: int | None = None
    final: bool


class ProjectTrustRead(BaseModel):
    trust: str
    decision: str
    decided_at: datetime | None
    expires_at: datetime | None
    conditions: str
    imaging: ImagingRead | None


class ProjectRead(BaseModel):
    id: UUID
    name: str
    purpose: str
    kind: str
    status: str
    owner_id: UUID
    query_id: UUID | None
    created_at: datetime
    staged_at: datetime | None
    approved_at: datetime | None
    trusts: list[ProjectTrustRead]


def _read(session: Session, project: Project) -> ProjectRead:
    return ProjectRead(
        id=project.id,
        name=project.name,
        purpose=project.purpose,
        kind=project.kind,
        status=project.status,
        owner_id=project.owner_id,
        query_id=project.query_id,
        created_at=project.created_at,
        staged_at=project.staged_at,
        approved_at=project.approved_at,
        trusts=[
            ProjectTrustRead(
                trust=trust.name,
                decision=asked.decision,
                decided_at=asked.decided_at,
                expires_at=asked.expires_at,
                conditions=asked.conditions,
                imaging=ImagingRead.model_validate(asked.imaging) if asked.imaging else None,
            )
            for trust, asked in service.decisions(session, project)
        ],
    )


@router.post("", status_code=201)
def create_project(body: ProjectCreate, user: CurrentUser, session: WriteSession) -> ProjectRead:
    require(user, "create_projects")
    return _read(session, service.create_project(session, user, body.name, body.purpose, body.kind))


@router.get("")
def list_projects(user: CurrentUser, session: ReadSession) -> list[ProjectRead]:
    return [_read(session, project) for project in service.list_projects(session, user)]


@router.get("/{project_id}")
def get_project(project_id: UUID, user: CurrentUser, session: ReadSession) -> ProjectRead:
    return _read(session, visible_project(session, user, project_id))


@router.post("/{project_id}/stage")
def stage_project(project_id: UUID, body: StageRequest, user: CurrentUser, session: WriteSession) -> ProjectRead:
    project = visible_project(session, user, project_id, change=True)
    service.stage(session, user, project, body.trusts)
    return _read(session, project)

"""Models of a project."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_hub.auth import CurrentUser, visible_model, visible_project
from flip_hub.db import ReadSession, WriteSession
from flip_hub.models import service
from flip_hub.models.tables import Model, ModelStatusEvent
from flip_hub.runs.tables import Run

router = APIRouter(tags=["models"])


class ModelCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=75, pattern=r"^[^<>&\x00-\x1f]+$")]
    description: Annotated[str, Field(max_length=250)] = ""


class StatusRead(BaseModel):
    status: str
    source: str
    at: datetime


class ModelRead(BaseModel):
    """`history`: the statuses of the newest run, in order."""

    id: UUID
    project_id: UUID
    name: str
    description: str
    status: str
    status_reason: str
    created_at: datetime
    history: list[StatusRead]


def _read(session: Session, model: Model) -> ModelRead:
    newest = select(Run.id).where(Run.model_id == model.id).order_by(Run.created_at.desc()).limit(1).scalar_subquery()
    events = session.scalars(
        select(ModelStatusEvent).where(ModelStatusEvent.run_id == newest).order_by(ModelStatusEvent.id)
    )
    return ModelRead(
        id=model.id,
        project_id=model.project_id,
        name=model.name,
        description=model.description,
        status=model.status,
        status_reason=model.status_reason,
        created_at=model.created_at,
        history=[StatusRead(status=e.status, source=e.source, at=e.at) for e in events],
    )


@router.post("/projects/{project_id}/models", status_code=201)
def create_model(project_id: UUID, body: ModelCreate, user: CurrentUser, session: WriteSession) -> ModelRead:
    project = visible_project(session, user, project_id, change=True)
    return _read(session, service.create_model(session, user, project, body.name, body.description))


@router.get("/projects/{project_id}/models")
def list_models(project_id: UUID, user: CurrentUser, session: ReadSession) -> list[ModelRead]:
    visible_project(session, user, project_id)
    models = session.scalars(select(Model).where(Model.project_id == project_id).order_by(Model.created_at))
    return [_read(session, model) for model in models]


@router.get("/models/{model_id}")
def get_model(model_id: UUID, user: CurrentUser, session: ReadSession) -> ModelRead:
    return _read(session, visible_model(session, user, model_id))

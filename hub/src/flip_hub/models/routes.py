"""Models of a project, and across projects."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.statuses import ModelStatus
from flip_hub.auth import CurrentUser, visible_model, visible_project
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import errors
from flip_hub.files.service import ModelBusy
from flip_hub.models import editing, listing, service
from flip_hub.models.schemas import ModelClone, ModelCreate, ModelEdit, ModelPage, ModelRead, StatusRead
from flip_hub.models.tables import Model, ModelStatusEvent
from flip_hub.paging import AskedPage, CursorInvalid
from flip_hub.projects.reading import Sort
from flip_hub.routing import Router
from flip_hub.runs.tables import Run

router = Router(tags=["models"])


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


@router.post("/projects/{project_id}/models", status_code=201, responses=errors(service.ProjectNotApproved))
def create_model(project_id: UUID, body: ModelCreate, user: CurrentUser, session: WriteSession) -> ModelRead:
    project = visible_project(session, user, project_id, change=True)
    return _read(session, service.create_model(session, user, project, body.name, body.description))


@router.get("/projects/{project_id}/models")
def list_project_models(project_id: UUID, user: CurrentUser, session: ReadSession) -> list[ModelRead]:
    visible_project(session, user, project_id)
    models = select(Model).where(Model.project_id == project_id, Model.deleted_at.is_(None)).order_by(Model.created_at)
    return [_read(session, model) for model in session.scalars(models)]


@router.get("/models", responses=errors(CursorInvalid))
def list_models(
    user: CurrentUser,
    session: ReadSession,
    page: AskedPage,
    search: Annotated[str, Query(max_length=75, description="Part of the name.")] = "",
    project: UUID | None = None,
    owner: Annotated[UUID | None, Query(description="Of the project.")] = None,
    status: ModelStatus | None = None,
    sort: Sort = "newest",
) -> ModelPage:
    """Models of every project that one sees."""
    return listing.list_models(
        session, user, page, search=search, project=project, owner=owner, status=status, sort=sort
    )


@router.get("/models/{model_id}")
def get_model(model_id: UUID, user: CurrentUser, session: ReadSession) -> ModelRead:
    return _read(session, visible_model(session, user, model_id))


@router.patch("/models/{model_id}", responses=errors(ModelBusy, editing.ModelTrained))
def edit_model(model_id: UUID, body: ModelEdit, user: CurrentUser, session: WriteSession) -> ModelRead:
    """Until it is trained."""
    model = visible_model(session, user, model_id, change=True)
    editing.edit_model(session, user, model, body.model_dump(exclude_unset=True))
    return _read(session, model)


@router.delete("/models/{model_id}", status_code=204, responses=errors(ModelBusy))
def delete_model(model_id: UUID, user: CurrentUser, session: WriteSession) -> Response:
    """With its files. Not while a run of it is queued or running."""
    editing.delete_model(session, user, visible_model(session, user, model_id, change=True))
    return Response(status_code=204)


@router.post("/models/{model_id}/clone", status_code=201, responses=errors(service.ProjectNotApproved))
def clone_model(
    model_id: UUID, body: ModelClone, user: CurrentUser, session: WriteSession, request: Request
) -> ModelRead:
    """A new model with the same files, here or under another approved project."""
    model = visible_model(session, user, model_id)
    project = visible_project(session, user, body.project_id or model.project_id, change=True)
    return _read(session, editing.clone_model(session, request.app.state.shelf, user, model, project, body.name))

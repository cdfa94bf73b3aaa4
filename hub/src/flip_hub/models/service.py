"""Models and the one place where their status changes."""

from uuid import UUID

from sqlalchemy.orm import Session

from flip_contracts.statuses import ModelStatus, ProjectStatus, next_model_status
from flip_hub.audit.service import record
from flip_hub.db import now
from flip_hub.errors import Conflict
from flip_hub.events import notify
from flip_hub.live.changes import project_changed
from flip_hub.live.service import emit
from flip_hub.models.tables import Model, ModelStatusEvent
from flip_hub.projects.tables import Project
from flip_hub.users.tables import User


class ProjectNotApproved(Conflict):
    code = "project_not_approved"
    public = "No trust has approved this project yet."


def create_model(session: Session, user: User, project: Project, name: str, description: str) -> Model:
    if project.status != ProjectStatus.APPROVED:
        raise ProjectNotApproved
    model = Model(
        project_id=project.id, created_by=user.id, name=name, description=description, status=ModelStatus.PENDING
    )
    session.add(model)
    session.flush()
    record(session, str(user.id), "model.created", str(model.id))
    project_changed(session, project.id, "model_created")
    return model


def initiate(session: Session, model: Model, run_id: UUID) -> None:
    """A new *Initiate Training* is the only way out of a terminal status."""
    model.status, model.status_reason = ModelStatus.INITIATED, ""
    _remember(session, model, run_id, "platform")


def advance(session: Session, model: Model, run_id: UUID, wanted: ModelStatus, source: str, reason: str = "") -> None:
    after = next_model_status(ModelStatus(model.status), wanted)
    if after == model.status:
        return
    model.status, model.status_reason = after, reason
    _remember(session, model, run_id, source)


def _remember(session: Session, model: Model, run_id: UUID, source: str) -> None:
    session.add(ModelStatusEvent(model_id=model.id, run_id=run_id, status=model.status, source=source, at=now()))
    session.flush()
    facts = {"model_id": str(model.id), "status": model.status, "source": source, "reason": model.status_reason}
    emit(session, "model_status", [f"model:{model.id}", f"project:{model.project_id}", f"run:{run_id}"], facts)
    notify(session, f"run:{run_id}")

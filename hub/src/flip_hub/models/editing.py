"""Edit, delete and clone a model. Its files belong to it, so they go and are copied with it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.statuses import RunState
from flip_hub.audit.service import record
from flip_hub.db import now
from flip_hub.errors import Conflict
from flip_hub.files.cloning import copy_files
from flip_hub.files.deletion import forget_files
from flip_hub.files.service import locked_idle
from flip_hub.files.shelf import Shelf
from flip_hub.live.changes import project_changed
from flip_hub.models.service import create_model
from flip_hub.models.tables import Model
from flip_hub.projects.tables import Project
from flip_hub.runs.tables import Run
from flip_hub.users.tables import User

NAME_LENGTH = 75


class ModelTrained(Conflict):
    code = "model_trained"
    public = "This model has been trained, and its results bear this name. Clone it to go on under another."


def edit_model(session: Session, user: User, model: Model, changes: dict[str, Any]) -> None:
    locked_idle(session, model)
    if session.scalar(select(Run.id).where(Run.model_id == model.id, Run.state == RunState.SUCCEEDED).limit(1)):
        raise ModelTrained
    for key, value in changes.items():
        setattr(model, key, value)
    record(session, str(user.id), "model.edited", str(model.id), fields=sorted(changes))
    project_changed(session, model.project_id, "model_edited")


def delete_model(session: Session, user: User, model: Model) -> None:
    """Runs, metrics and results stay on record for the audit; nobody sees the model any more."""
    locked_idle(session, model)
    model.deleted_at = now()
    forget_files(session, model.id)
    record(session, str(user.id), "model.deleted", str(model.id), name=model.name)
    project_changed(session, model.project_id, "model_deleted")


def clone_model(session: Session, shelf: Shelf, user: User, model: Model, project: Project, name: str) -> Model:
    """A new model with the files that are ready; each has its own bytes, so neither model changes the other."""
    ending = " (copy)"
    name = name or model.name[: NAME_LENGTH - len(ending)] + ending
    made = create_model(session, user, project, name, model.description)
    copy_files(session, shelf, model.id, made.id)
    record(session, str(user.id), "model.cloned", str(made.id), source=str(model.id))
    return made

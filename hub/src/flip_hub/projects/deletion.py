"""Delete a project: its training stops, trusts forget the cohort, its files go; runs and audit stay on record."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.statuses import TERMINAL_RUN_STATES, ProjectStatus
from flip_hub.audit.service import record
from flip_hub.db import now
from flip_hub.errors import HubError
from flip_hub.events import notify
from flip_hub.files.deletion import forget_files
from flip_hub.live.changes import project_changed
from flip_hub.models.tables import Model
from flip_hub.projects.service import close_at_trusts
from flip_hub.projects.tables import Project
from flip_hub.runs.service import request_stop
from flip_hub.runs.tables import Run
from flip_hub.users.tables import User


class NameNotConfirmed(HubError):
    code, status = "name_not_confirmed", 422
    public = "Type the project's exact name to delete it."


def delete_project(session: Session, user: User, project: Project, typed_name: str) -> None:
    session.refresh(project, with_for_update=True)
    if typed_name != project.name:
        raise NameNotConfirmed
    active = select(Run).where(Run.project_id == project.id, Run.state.not_in(TERMINAL_RUN_STATES))
    for run in session.scalars(active):
        request_stop(session, user, run)
    if project.status != ProjectStatus.UNSTAGED:
        close_at_trusts(session, project)
    for model in session.scalars(select(Model).where(Model.project_id == project.id, Model.deleted_at.is_(None))):
        model.deleted_at = now()
        forget_files(session, model.id)
    project.deleted_at = now()
    record(session, str(user.id), "project.deleted", str(project.id), name=project.name)
    project_changed(session, project.id, "deleted")
    notify(session, "runs")

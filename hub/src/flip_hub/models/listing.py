"""Models across projects, with their place in the queue."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from flip_contracts.statuses import RunState
from flip_hub.models.schemas import ModelPage, ModelSummary
from flip_hub.models.tables import Model
from flip_hub.paging import PageRequest, paged
from flip_hub.projects.reading import Sort, visible_projects
from flip_hub.projects.tables import Project
from flip_hub.runs.tables import Run
from flip_hub.users.tables import User


def list_models(
    session: Session,
    user: User,
    asked: PageRequest,
    *,
    search: str,
    project: UUID | None,
    owner: UUID | None,
    status: str | None,
    sort: Sort,
) -> ModelPage:
    projects = visible_projects(user)
    if project:
        projects = projects.where(Project.id == project)
    if owner:
        projects = projects.where(Project.owner_id == owner)
    chosen = Model.project_id.in_(projects.with_only_columns(Project.id)) & Model.deleted_at.is_(None)
    if search:
        chosen &= Model.name.icontains(search, autoescape=True)
    counts = dict(session.execute(select(Model.status, func.count()).where(chosen).group_by(Model.status)).all())
    query = select(Model).where(chosen)
    if status:
        query = query.where(Model.status == status)
    keys = (Model.name, Model.id) if "name" in sort else (Model.created_at, Model.id)
    page = paged(session, query, keys, asked, lambda row: row, newest_first=sort in ("newest", "-name"))
    return ModelPage(items=_summaries(session, page.items), next_cursor=page.next_cursor, counts=counts)


def _summaries(session: Session, models: Sequence[Model]) -> list[ModelSummary]:
    """A fixed number of queries, however long the page."""
    projects = dict(
        session.execute(select(Project.id, Project.name).where(Project.id.in_({m.project_id for m in models}))).all()
    )
    people = dict(session.execute(select(User.id, User.name).where(User.id.in_({m.created_by for m in models}))).all())
    newest = (
        select(Run)
        .where(Run.model_id.in_([model.id for model in models]))
        .ext(distinct_on(Run.model_id))
        .order_by(Run.model_id, Run.created_at.desc())
    )
    runs = {run.model_id: run for run in session.scalars(newest)}
    queue: dict[UUID, int] = {}
    if any(run.state == RunState.QUEUED for run in runs.values()):
        waiting = session.scalars(select(Run.id).where(Run.state == RunState.QUEUED).order_by(Run.created_at))
        queue = {run_id: position for position, run_id in enumerate(waiting, start=1)}
    return [
        ModelSummary(
            id=model.id,
            project_id=model.project_id,
            project=projects[model.project_id],
            name=model.name,
            description=model.description,
            status=model.status,
            status_reason=model.status_reason,
            created_by=people[model.created_by],
            created_at=model.created_at,
            run_id=run.id if (run := runs.get(model.id)) else None,
            run_state=run.state if run else None,
            queue_position=queue.get(run.id) if run else None,
        )
        for model in models
    ]

"""Runs: initiate, list, stop, abort, run again; the queue."""

from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from flip_contracts.statuses import TERMINAL_RUN_STATES, RunState
from flip_hub.auth import CurrentUser, visible_model, visible_run
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import NotFound, TrustUnknown, errors
from flip_hub.files.service import FilesNotReady, ModelBusy
from flip_hub.models.tables import Model
from flip_hub.projects.reading import visible_projects
from flip_hub.projects.tables import Project
from flip_hub.routing import Router
from flip_hub.runs import options, service
from flip_hub.runs.schemas import RunCreate, RunRead, read_run
from flip_hub.runs.tables import Run
from flip_hub.scheduler.drain import draining
from flip_hub.scheduler.views import expected_starts, read_queue
from flip_hub.trusts.service import TrustRevoked
from flip_hub.users.tables import User

router = Router(tags=["runs"])
INITIATING: Final = (
    service.NoTrustApproved,
    service.TrustNotApproved,
    service.AppCheckFailed,
    ModelBusy,
    FilesNotReady,
    TrustUnknown,
    TrustRevoked,
    options.MinTrustsTooHigh,
    options.RoundsUndeclared,
    options.RunConfigKeyReserved,
    options.RunConfigKeyUndeclared,
    options.RunConfigTypeWrong,
)


class QueueEntryRead(BaseModel):
    """A run of a project that you cannot see has only its place and its times."""

    position: int | None
    state: str
    queued_at: datetime
    started_at: datetime | None
    expected_start: datetime | None
    run_id: UUID | None
    model_id: UUID | None
    model_name: str | None
    project_id: UUID | None
    project_name: str | None


class QueueRead(BaseModel):
    """`slots`: how many runs may be at work at once, on the nets that answer and are not drained.

    In `deployment_mode` nothing starts.
    """

    deployment_mode: bool
    slots: int
    active: list[QueueEntryRead]
    waiting: list[QueueEntryRead]


@router.post("/models/{model_id}/runs", status_code=201, responses=errors(*INITIATING))
def initiate_run(
    model_id: UUID, body: RunCreate, user: CurrentUser, session: WriteSession, request: Request
) -> RunRead:
    """*Initiate Training*."""
    model = visible_model(session, user, model_id, change=True)
    state = request.app.state
    run = service.initiate(session, state.objects, user, model, dict(body.run_config), body.trusts, body.options)
    return read_run(session, state.settings, run)


@router.get("/models/{model_id}/runs", responses=errors(NotFound))
def list_runs(model_id: UUID, user: CurrentUser, session: ReadSession, request: Request) -> list[RunRead]:
    """Newest first."""
    visible_model(session, user, model_id)
    runs = session.scalars(select(Run).where(Run.model_id == model_id).order_by(Run.created_at.desc()))
    return [read_run(session, request.app.state.settings, run) for run in runs]


@router.get("/runs/{run_id}", responses=errors(NotFound))
def get_run(run_id: UUID, user: CurrentUser, session: ReadSession, request: Request) -> RunRead:
    return read_run(session, request.app.state.settings, visible_run(session, user, run_id))


@router.post("/runs/{run_id}/stop", status_code=202, responses=errors(NotFound, service.RunEnded))
def stop_run(run_id: UUID, user: CurrentUser, session: WriteSession, request: Request) -> RunRead:
    """End the run as soon as the net can; what it has so far is collected."""
    run = visible_run(session, user, run_id, change=True)
    service.request_stop(session, user, run)
    return read_run(session, request.app.state.settings, run)


@router.post("/runs/{run_id}/abort", status_code=202, responses=errors(NotFound, service.RunEnded))
def abort_run(run_id: UUID, user: CurrentUser, session: WriteSession, request: Request) -> RunRead:
    """End the run at once; results are not waited for."""
    run = visible_run(session, user, run_id, change=True)
    service.request_abort(session, user, run)
    return read_run(session, request.app.state.settings, run)


@router.post("/runs/{run_id}/rerun", status_code=201, responses=errors(*INITIATING))
def rerun(run_id: UUID, user: CurrentUser, session: WriteSession, request: Request) -> RunRead:
    """The same trusts, config and options again, on the app as it is now."""
    run = visible_run(session, user, run_id, change=True)
    model = session.get_one(Model, run.model_id)
    state = request.app.state
    return read_run(session, state.settings, service.rerun(session, state.objects, user, model, run))


@router.get("/queue")
def get_queue(user: CurrentUser, session: ReadSession, request: Request) -> QueueRead:
    """Who is at work, and who is next."""
    settings = request.app.state.settings
    queue = read_queue(session, settings, draining=False)
    expected = expected_starts(session, queue)
    waiting = {run.id: run for run in session.scalars(select(Run).where(Run.state == RunState.QUEUED))}
    shown = _Shown(session, user)
    entries = [
        shown.entry(waiting[item.run], place, expected.get(item.run))
        for place, item in enumerate(queue.order, start=1)
        if item.run in waiting
    ]
    return QueueRead(
        deployment_mode=draining(session, settings),
        slots=queue.slots,
        active=[shown.entry(run, None, None) for run in queue.active],
        waiting=entries,
    )


class _Shown:
    """Queue entries with the names that one user may see."""

    def __init__(self, session: Session, user: User):
        def of_open_runs(thing: InstrumentedAttribute[UUID]) -> Select[UUID]:
            return select(thing).where(Run.state.not_in(TERMINAL_RUN_STATES))

        seen = visible_projects(user).where(Project.id.in_(of_open_runs(Run.project_id)))
        self._projects = {project.id: project.name for project in session.scalars(seen)}
        named = select(Model.id, Model.name).where(Model.id.in_(of_open_runs(Run.model_id)))
        self._models: dict[UUID, str] = dict(session.execute(named).all())

    def entry(self, run: Run, position: int | None, expected: datetime | None) -> QueueEntryRead:
        seen = run.project_id in self._projects
        return QueueEntryRead(
            position=position,
            state=run.state,
            queued_at=run.created_at,
            started_at=run.starting_at,
            expected_start=expected,
            run_id=run.id if seen else None,
            model_id=run.model_id if seen else None,
            model_name=self._models.get(run.model_id) if seen else None,
            project_id=run.project_id if seen else None,
            project_name=self._projects.get(run.project_id),
        )

"""Read what `decide` and the queue need, in one short transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flip_contracts.statuses import RunReason, RunState, RunTrustState
from flip_hub.db import now
from flip_hub.nets.tables import NetRow
from flip_hub.projects.service import approves
from flip_hub.projects.tables import Project, ProjectTrust
from flip_hub.runs.options import RunOptions
from flip_hub.runs.tables import Run, RunTrust
from flip_hub.scheduler.decide import Limits, PartView, RunView
from flip_hub.scheduler.queue import Waiting, fair_order, give_slots, starts
from flip_hub.settings import HubSettings
from flip_hub.trusts.tables import Trust

ACTIVE: Final = (RunState.STARTING, RunState.RUNNING)
RECENT_RUNS: Final = 50


@dataclass(frozen=True)
class Queue:
    """`order`: who is next. `free`: slots left, of nets that answer and take new runs. `given`: who may start now,
    and where."""

    order: Sequence[Waiting]
    active: Sequence[Run]
    free: Mapping[UUID, int]
    slots: int  # of the same nets, taken or not
    given: Mapping[UUID, UUID]


def limits_of(settings: HubSettings) -> Limits:
    return Limits(
        join=timedelta(seconds=settings.join_seconds),
        no_progress=timedelta(seconds=settings.no_progress_seconds),
        net_lost=timedelta(seconds=settings.net_gone_seconds),
        stop=timedelta(seconds=settings.stop_seconds),
        code_review=timedelta(seconds=settings.code_review_seconds),
    )


def read_queue(session: Session, settings: HubSettings, draining: bool) -> Queue:
    waits_for_people = Run.reason_code == RunReason.WAITING_FOR_CODE_REVIEW  # and holds no slot meanwhile
    active = session.scalars(
        select(Run).where(Run.state.in_(ACTIVE), ~waits_for_people).order_by(Run.starting_at)
    ).all()
    queued = session.execute(select(Run.id, Run.project_id, Run.created_at).where(Run.state == RunState.QUEUED)).all()
    waiting = [Waiting(run, project, since) for run, project, since in queued]
    projects = {item.project for item in waiting}
    turns = session.execute(
        select(Run.project_id, func.max(Run.starting_at)).where(Run.project_id.in_(projects)).group_by(Run.project_id)
    )
    served = {project: at for project, at in turns if at is not None}
    busy = Counter(run.project_id for run in active)
    order = fair_order(waiting, busy, served)
    heard = now() - timedelta(seconds=settings.net_lost_seconds)
    on_net = Counter(run.net_id for run in active)
    usable = select(NetRow).where(NetRow.last_seen_at > heard, ~NetRow.draining, NetRow.removed_at.is_(None))
    slots = {net.id: net.slots or settings.max_active_runs for net in session.scalars(usable)}
    free = {net_id: most - on_net[net_id] for net_id, most in slots.items()}
    given = {} if draining else give_slots(order, free, busy, settings.max_active_runs_per_project)
    return Queue(order, active, free, sum(slots.values()), given)


def expected_starts(session: Session, queue: Queue) -> dict[UUID, datetime]:
    """From how long runs took lately; nothing if none has ended yet."""
    took = [
        ended - began
        for began, ended in session.execute(
            select(Run.starting_at, Run.finished_at)
            .where(Run.finished_at.is_not(None), Run.running_at.is_not(None))
            .order_by(Run.finished_at.desc())
            .limit(RECENT_RUNS)
        )
        if began and ended
    ]
    if not took:
        return {}
    typical = sorted(took)[len(took) // 2]
    ends = [run.starting_at + typical for run in queue.active if run.starting_at]
    return starts(queue.order, ends, sum(max(n, 0) for n in queue.free.values()), typical, now())


def open_runs(
    session: Session, settings: HubSettings, draining: bool, awake_since: datetime
) -> list[tuple[RunView, UUID | None]]:
    """Every run that is not closed, with the net it is on or should go to; those that wait come in their order.

    `awake_since`: what a run or net did before, while no hub could hear of it, is not held against it.
    """
    queue = read_queue(session, settings, draining)
    place = {item.run: n for n, item in enumerate(queue.order)}
    nets = {net.id: net for net in session.scalars(select(NetRow))}
    runs = session.scalars(select(Run).where(~Run.closed).order_by(Run.created_at)).all()
    parts = _parts(session, [run.id for run in runs])
    views = []
    for run in sorted(runs, key=lambda run: place.get(run.id, -1)):
        net_id = queue.given.get(run.id) if run.state == RunState.QUEUED else run.net_id
        net = nets.get(run.net_id) if run.net_id else None
        views.append((_view(run, parts[run.id], run.id in queue.given, net, awake_since), net_id))
    return views


def open_run(session: Session, run_id: UUID, awake_since: datetime) -> tuple[RunView | None, UUID | None]:
    """One run that has had its turn in the queue, and its net; nothing if it still waits or is closed."""
    run = session.get(Run, run_id)
    if run is None or run.closed or run.state == RunState.QUEUED:
        return None, None
    net = session.get(NetRow, run.net_id) if run.net_id else None
    return _view(run, _parts(session, [run_id])[run_id], True, net, awake_since), run.net_id


def _parts(session: Session, run_ids: Sequence[UUID]) -> dict[UUID, list[PartView]]:
    """Of all these runs in one query: hundreds of trusts are looked at each second."""
    approved = func.coalesce(approves() & Project.deleted_at.is_(None), False)
    found = (
        select(RunTrust.run_id, Trust.name, RunTrust.state, approved, RunTrust.reason)
        .join(Trust, Trust.id == RunTrust.trust_id)
        .join(Run, Run.id == RunTrust.run_id)
        .join(Project, Project.id == Run.project_id)
        .outerjoin(ProjectTrust, (ProjectTrust.project_id == Run.project_id) & (ProjectTrust.trust_id == Trust.id))
        .where(RunTrust.run_id.in_(run_ids))
        .order_by(Trust.name)
    )
    parts: dict[UUID, list[PartView]] = {run_id: [] for run_id in run_ids}
    for run_id, trust, state, yes, reason in session.execute(found):
        parts[run_id].append(PartView(trust, RunTrustState(state), yes, reason))
    return parts


def _view(run: Run, parts: Sequence[PartView], slot: bool, net: NetRow | None, awake_since: datetime) -> RunView:
    options = RunOptions.model_validate(run.options)
    return RunView(
        id=run.id,
        state=RunState(run.state),
        parts=parts,
        slot_free=slot,
        prepared=run.fab_sha256 is not None,
        stop_requested=RunReason(run.stop_requested) if run.stop_requested else None,
        finished_on_net=run.finished_on_net,
        closed=run.closed,
        starting_at=run.starting_at,
        running_at=run.running_at,
        progress_at=max(run.progress_at, awake_since) if run.progress_at else None,
        stopping_at=run.stopping_at,
        net_seen_at=max(net.last_seen_at, awake_since) if net and net.last_seen_at else None,
        min_trusts=options.min_trusts,
        join=_seconds(options.join_seconds),
        run=_seconds(options.run_seconds),
        no_progress=_seconds(options.no_progress_seconds),
    )


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)

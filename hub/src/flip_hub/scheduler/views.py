"""Read what `decide` needs, in one short transaction."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.statuses import RunReason, RunState, RunTrustState
from flip_hub.nets.tables import NetRow
from flip_hub.projects.service import approving_trusts
from flip_hub.projects.tables import Project
from flip_hub.runs.service import parts
from flip_hub.runs.tables import Run
from flip_hub.scheduler.decide import PartView, RunView

ACTIVE = (RunState.STARTING, RunState.RUNNING)


def open_runs(session: Session, max_active: int) -> list[tuple[RunView, UUID | None]]:
    """Every run that is not closed, oldest first, with the net it is on or should go to."""
    nets = list(session.scalars(select(NetRow).order_by(NetRow.name)))
    runs = session.scalars(select(Run).where(~Run.closed).order_by(Run.created_at)).all()
    free = {net.id: max_active - sum(r.net_id == net.id and r.state in ACTIVE for r in runs) for net in nets}
    views = []
    for run in runs:
        net_id = run.net_id
        slot = False
        if run.state == RunState.QUEUED and free:
            net_id = max(free, key=lambda n: free[n])  # the least loaded
            slot = free[net_id] > 0
            free[net_id] -= 1 if slot else 0
        views.append((_view(session, run, slot, nets), net_id))
    return views


def _view(session: Session, run: Run, slot: bool, nets: Sequence[NetRow]) -> RunView:
    approved = {t.id for t in approving_trusts(session, session.get_one(Project, run.project_id))}
    net = next((n for n in nets if n.id == run.net_id), None)
    return RunView(
        id=run.id,
        state=RunState(run.state),
        parts=[
            PartView(trust.name, RunTrustState(part.state), trust.id in approved, part.reason)
            for trust, part in parts(session, run.id)
        ],
        slot_free=slot,
        prepared=run.fab_sha256 is not None,
        stop_requested=RunReason(run.stop_requested) if run.stop_requested else None,
        finished_on_net=run.finished_on_net,
        closed=run.closed,
        starting_at=run.starting_at,
        progress_at=run.progress_at,
        net_seen_at=net.last_seen_at if net else None,
    )

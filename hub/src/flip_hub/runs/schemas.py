"""Runs as the API gives them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.statuses import RunState
from flip_hub.runs import service
from flip_hub.runs.options import RunOptions
from flip_hub.runs.tables import Run, RunRound
from flip_hub.scheduler.views import expected_starts, read_queue
from flip_hub.settings import HubSettings

Key = Annotated[str, Field(max_length=200)]
Value = Annotated[StrictStr, Field(max_length=10_000)]


class RunCreate(BaseModel):
    """`run_config` overrides declared keys; `trusts` narrows the approved ones."""

    model_config = ConfigDict(extra="forbid")
    run_config: Annotated[dict[Key, StrictBool | StrictInt | StrictFloat | Value], Field(max_length=500)] = {}
    trusts: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=1000)] | None = None
    options: RunOptions = RunOptions()


class RunTrustRead(BaseModel):
    trust: str
    state: str
    reason: str


class RoundRead(BaseModel):
    round: int
    phase: str
    results: int
    failures: int
    errors: list[str]
    at: datetime


class RunRead(BaseModel):
    """`queue_position` is 1 for the next to start, null once it has started.

    `expected_start` is a guess from recent runs. `stop_requested` is the reason of a stop that is under way.
    """

    id: UUID
    model_id: UUID
    project_id: UUID
    state: str
    reason_code: str
    reason_text: str
    run_config: dict[str, Any]
    options: RunOptions
    rerun_of: UUID | None
    queue_position: int | None
    expected_start: datetime | None
    stop_requested: str | None
    created_at: datetime
    starting_at: datetime | None
    running_at: datetime | None
    finished_at: datetime | None
    trusts: list[RunTrustRead]
    rounds: list[RoundRead]


def read_run(session: Session, settings: HubSettings, run: Run) -> RunRead:
    rounds = session.scalars(select(RunRound).where(RunRound.run_id == run.id).order_by(RunRound.round))
    position, start = place_in_queue(session, settings, run)
    return RunRead(
        id=run.id,
        model_id=run.model_id,
        project_id=run.project_id,
        state=run.state,
        reason_code=run.reason_code,
        reason_text=run.reason_text,
        run_config=run.run_config,
        options=RunOptions.model_validate(run.options),
        rerun_of=run.rerun_of,
        queue_position=position,
        expected_start=start,
        stop_requested=run.stop_requested,
        created_at=run.created_at,
        starting_at=run.starting_at,
        running_at=run.running_at,
        finished_at=run.finished_at,
        trusts=[
            RunTrustRead(trust=trust, state=state, reason=reason)
            for trust, state, reason in service.states(session, run.id)
        ],
        rounds=[
            RoundRead(round=r.round, phase=r.phase, results=r.results, failures=r.failures, errors=r.errors, at=r.at)
            for r in rounds
        ],
    )


def place_in_queue(session: Session, settings: HubSettings, run: Run) -> tuple[int | None, datetime | None]:
    if run.state != RunState.QUEUED:
        return None, None
    queue = read_queue(session, settings, draining=False)
    order = [item.run for item in queue.order]
    if run.id not in order:  # it has left the queue since it was read
        return None, None
    return order.index(run.id) + 1, expected_starts(session, queue).get(run.id)

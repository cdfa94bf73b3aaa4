"""Runs: initiate, watch, stop."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_hub.auth import Bearer, CurrentUser, user_of_token, visible_model, visible_run
from flip_hub.db import ReadSession, WriteSession
from flip_hub.live.service import sequence
from flip_hub.live.tables import Event
from flip_hub.live.words import words
from flip_hub.runs import service
from flip_hub.runs.tables import Run, RunLogLine, RunRound

router = APIRouter(tags=["runs"])
PAGE = 1000


class RunCreate(BaseModel):
    """`run_config` overrides declared keys; `trusts` narrows the approved ones."""

    model_config = ConfigDict(extra="forbid")
    run_config: dict[str, StrictBool | StrictInt | StrictFloat | StrictStr] = {}
    trusts: list[str] | None = None


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
    id: UUID
    model_id: UUID
    project_id: UUID
    state: str
    reason_code: str
    reason_text: str
    run_config: dict[str, Any]
    queue_position: int | None
    created_at: datetime
    starting_at: datetime | None
    running_at: datetime | None
    finished_at: datetime | None
    trusts: list[RunTrustRead]
    rounds: list[RoundRead]


class EventRead(BaseModel):
    """`text` says it in words; `payload` has the facts."""

    id: int
    at: datetime
    kind: str
    text: str
    payload: dict[str, Any]


class EventsRead(BaseModel):
    events: list[EventRead]
    next_after: int


class LogLineRead(BaseModel):
    id: int
    at: datetime
    text: str


class LogRead(BaseModel):
    lines: list[LogLineRead]
    next_after: int


def _read(session: Session, run: Run) -> RunRead:
    rounds = session.scalars(select(RunRound).where(RunRound.run_id == run.id).order_by(RunRound.round))
    return RunRead(
        id=run.id,
        model_id=run.model_id,
        project_id=run.project_id,
        state=run.state,
        reason_code=run.reason_code,
        reason_text=run.reason_text,
        run_config=run.run_config,
        queue_position=service.queue_position(session, run),
        created_at=run.created_at,
        starting_at=run.starting_at,
        running_at=run.running_at,
        finished_at=run.finished_at,
        trusts=[
            RunTrustRead(trust=trust.name, state=part.state, reason=part.reason)
            for trust, part in service.parts(session, run.id)
        ],
        rounds=[
            RoundRead(round=r.round, phase=r.phase, results=r.results, failures=r.failures, errors=r.errors, at=r.at)
            for r in rounds
        ],
    )


def _event(event: Event) -> EventRead:
    text = words(event.kind, event.payload)
    return EventRead(id=event.seq or 0, at=event.at, kind=event.kind, text=text, payload=event.payload)


@router.post("/models/{model_id}/runs", status_code=201)
def initiate_run(
    model_id: UUID, body: RunCreate, user: CurrentUser, session: WriteSession, request: Request
) -> RunRead:
    """*Initiate Training*."""
    model = visible_model(session, user, model_id, change=True)
    objects = request.app.state.objects
    return _read(session, service.initiate(session, objects, user, model, dict(body.run_config), body.trusts))


@router.get("/models/{model_id}/runs")
def list_runs(model_id: UUID, user: CurrentUser, session: ReadSession) -> list[RunRead]:
    visible_model(session, user, model_id)
    runs = session.scalars(select(Run).where(Run.model_id == model_id).order_by(Run.created_at.desc()))
    return [_read(session, run) for run in runs]


@router.get("/runs/{run_id}")
def get_run(run_id: UUID, user: CurrentUser, session: ReadSession) -> RunRead:
    return _read(session, visible_run(session, user, run_id))


@router.post("/runs/{run_id}/stop", status_code=202)
def stop_run(run_id: UUID, user: CurrentUser, session: WriteSession) -> RunRead:
    run = visible_run(session, user, run_id, change=True)
    service.request_stop(session, user, run)
    return _read(session, run)


@router.get("/runs/{run_id}/log")
def get_run_log(run_id: UUID, user: CurrentUser, session: ReadSession, after: int = 0) -> LogRead:
    visible_run(session, user, run_id)
    lines = session.scalars(
        select(RunLogLine).where(RunLogLine.run_id == run_id, RunLogLine.id > after).order_by(RunLogLine.id).limit(PAGE)
    ).all()
    return LogRead(
        lines=[LogLineRead(id=line.id, at=line.at, text=line.text) for line in lines],
        next_after=lines[-1].id if lines else after,
    )


@router.get("/runs/{run_id}/events")
async def get_run_events(
    run_id: UUID,
    token: Bearer,
    request: Request,
    after: int = 0,
    wait: Annotated[float, Query(ge=0, le=30)] = 0,
) -> EventsRead:
    """Events after `after`; with `wait`, answers as soon as there is one."""
    database, listener = request.app.state.database, request.app.state.listener

    def look() -> list[EventRead]:
        with database.session() as session:
            visible_run(session, user_of_token(session, token), run_id)
            sequence(session)  # what is committed has its number now, whether or not a feed was here first
            mine = (Event.run_id == run_id, Event.kept, Event.seq > after)
            found = session.scalars(select(Event).where(*mine).order_by(Event.seq).limit(PAGE))
            return [_event(event) for event in found]

    with listener.watch(f"run:{run_id}") as watch:
        events = await asyncio.to_thread(look)
        if not events and wait:
            await watch.wait(wait)
            events = await asyncio.to_thread(look)
    return EventsRead(events=events, next_after=events[-1].id if events else after)

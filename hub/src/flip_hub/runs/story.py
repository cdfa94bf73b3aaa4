"""What happened in a run: its events, its timeline, its ServerApp's log; and what happened in a project."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel
from sqlalchemy import select

from flip_hub.auth import Bearer, CurrentUser, user_of_token, visible_project, visible_run
from flip_hub.db import ReadSession
from flip_hub.errors import NotFound, errors
from flip_hub.live.service import sequence
from flip_hub.live.tables import Event
from flip_hub.live.words import words
from flip_hub.paging import AskedPage, CursorInvalid, Page, paged
from flip_hub.routing import Router
from flip_hub.runs.service import parts
from flip_hub.runs.tables import RunLogLine
from flip_hub.runs.timeline import TimelineRead, compose

router = Router(tags=["runs"])
PAGE = 1000
BIGGEST_ID = 2**63 - 1
Id = Annotated[int, Query(ge=0, le=BIGGEST_ID)]


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
    """In order. `next_after` goes on with newer lines, `before` (the first line's id) with older ones."""

    lines: list[LogLineRead]
    next_after: int
    before: int | None


def _event(event: Event) -> EventRead:
    text = words(event.kind, event.payload)
    return EventRead(id=event.seq or 0, at=event.at, kind=event.kind, text=text, payload=event.payload)


@router.get("/runs/{run_id}/events", responses=errors(NotFound))
async def get_run_events(
    run_id: UUID, token: Bearer, request: Request, after: Id = 0, wait: Annotated[float, Query(ge=0, le=30)] = 0
) -> EventsRead:
    """Events after `after`; with `wait`, answers as soon as there is one. A page follows `GET /events` instead."""
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


@router.get("/runs/{run_id}/timeline", responses=errors(NotFound))
def get_run_timeline(run_id: UUID, user: CurrentUser, session: ReadSession) -> TimelineRead:
    """Phases, each trust's way, each round: when it was sent, answered by whom after how long, and aggregated."""
    visible_run(session, user, run_id)
    sequence(session)
    events = session.scalars(select(Event).where(Event.run_id == run_id, Event.kept).order_by(Event.seq))
    return compose(events, [trust.name for trust, _ in parts(session, run_id)])


@router.get("/runs/{run_id}/log", responses=errors(NotFound))
def get_run_log(
    run_id: UUID,
    user: CurrentUser,
    session: ReadSession,
    after: Id = 0,
    before: Annotated[Id | None, Query(description="Lines before this one, the nearest of them.")] = None,
    search: Annotated[str, Query(max_length=200, description="Only lines with this text, in any case.")] = "",
    limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
) -> LogRead:
    """The ServerApp's output: forward from `after`, or backward from `before` (the newest: a very large number)."""
    visible_run(session, user, run_id)
    query = select(RunLogLine).where(RunLogLine.run_id == run_id, RunLogLine.id > after)
    if search:
        query = query.where(RunLogLine.text.icontains(search, autoescape=True))
    if before is None:
        lines = session.scalars(query.order_by(RunLogLine.id).limit(limit)).all()
    else:
        nearest = query.where(RunLogLine.id < before).order_by(RunLogLine.id.desc()).limit(limit)
        lines = session.scalars(nearest).all()[::-1]
    return LogRead(
        lines=[LogLineRead(id=line.id, at=line.at, text=line.text) for line in lines],
        next_after=lines[-1].id if lines else after,
        before=lines[0].id if lines else None,
    )


@router.get("/projects/{project_id}/activity", responses=errors(NotFound, CursorInvalid))
def list_project_activity(
    project_id: UUID, user: CurrentUser, session: ReadSession, asked: AskedPage
) -> Page[EventRead]:
    """What happened in a project and its runs, in words, newest first."""
    visible_project(session, user, project_id)
    sequence(session)
    query = select(Event).where(Event.topics.contains([f"project:{project_id}"]), Event.kept, Event.seq.is_not(None))
    return paged(session, query, (Event.id,), asked, _event)

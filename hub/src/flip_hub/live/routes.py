"""`GET /api/v1/events`: everything that a page shows, as it happens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.concurrency import run_in_threadpool

from flip_hub.auth import Bearer, user_of_token
from flip_hub.db import Database
from flip_hub.errors import FieldInvalid, HubError, NotFound, errors
from flip_hub.live import service, topics
from flip_hub.live.feed import Feed, Subscription, control, encode
from flip_hub.live.tables import Event

router = APIRouter(tags=["live"])
HEARTBEAT_SECONDS = 4.0  # a page says that its data is old after five seconds of silence
CHECK_AGAIN_SECONDS = 60.0  # a member who was removed, a session that has ended
RECONNECT_MS = 1000
REPLAY_PAGE = 500


class TooManyStreams(HubError):
    code, status = "too_many_streams", 429
    public = "You have as many live streams open as one person may. Close a page that you do not need."


class EventStream(StreamingResponse):
    """FastAPI's own class encodes each message for each stream; here one encoding serves all of them."""

    media_type = "text/event-stream"


@router.get("/events", response_class=EventStream, responses=errors(NotFound, FieldInvalid, TooManyStreams))
async def stream_events(
    request: Request,
    token: Bearer,
    topics_: Annotated[
        list[str], Query(alias="topics", description="project:ID, model:ID, run:ID, query:ID, trusts, queue")
    ],
    last_event_id: Annotated[str, Header()] = "",
) -> EventStream:
    """Server-Sent Events of these topics. `Last-Event-ID` goes on where an earlier stream broke off.

    Each message's data is JSON with `kind`, `at`, `topics`, `text` and `payload`. The first is `hello` (all that
    happens from now on is told) or, if the place to go on from is no longer known, `reset` (look at everything again).
    """
    wanted = topics.parse(topics_)
    database: Database = request.app.state.database
    feed: Feed = request.app.state.feed

    def check() -> UUID:
        with database.session() as session:
            user = user_of_token(session, token)
            topics.check(session, user, wanted)
            return user.id

    user_id = await run_in_threadpool(check)
    most = request.app.state.settings.streams_per_user
    if feed.streams[user_id] >= most:
        raise TooManyStreams(limit=most, retry_after_seconds=5)
    since = int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 19 else None

    async def stream() -> AsyncIterator[bytes]:
        await feed.ready.wait()
        with feed.subscribe(wanted, user_id) as subscription:
            async for message in _first(database, subscription, since):
                yield message
            async for message in _then(subscription, check):
                yield message

    return EventStream(stream(), headers={"x-accel-buffering": "no"})


async def _first(database: Database, subscription: Subscription, since: int | None) -> AsyncIterator[bytes]:
    """Hello, and what was missed between `since` and the moment of subscribing."""
    known = since is not None and (since == subscription.since or await run_in_threadpool(_known, database, since))
    kind = "hello" if since is None or known else "reset"
    start = since if known and since is not None else subscription.since
    data = control(kind, topics=sorted(subscription.topics))
    yield format_sse_event(data_str=data, id=str(start), retry=RECONNECT_MS)
    while start < subscription.since:
        page = await run_in_threadpool(_page, database, subscription, start)
        for event in page:
            heard = encode(event)
            yield format_sse_event(data_str=heard.data, id=str(heard.seq))
        start = page[-1].seq or 0 if len(page) == REPLAY_PAGE else subscription.since


def _known(database: Database, since: int) -> bool:
    with database.session() as session:
        return service.is_replayable(session, since)


def _page(database: Database, subscription: Subscription, start: int) -> list[Event]:
    with database.session() as session:
        return service.replay(session, subscription.topics, start, subscription.since, REPLAY_PAGE)


async def _then(subscription: Subscription, check: Callable[[], object]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    checked = loop.time()
    while not subscription.lagging:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                heard = await subscription.queue.get()
            yield format_sse_event(data_str=heard.data, id=str(heard.seq))
        except TimeoutError:
            yield KEEPALIVE_COMMENT
        if loop.time() - checked > CHECK_AGAIN_SECONDS:
            checked = loop.time()
            try:
                await run_in_threadpool(check)
            except HubError:
                return  # the page asks again and is told why

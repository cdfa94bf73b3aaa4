"""One reader per process: numbers new events, reads them once, and hands each to the streams that want it."""

import asyncio
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from flip_hub.db import Database
from flip_hub.events import Listener
from flip_hub.live.service import LIVE, after, newest, sequence
from flip_hub.live.tables import Event
from flip_hub.live.words import words

log = logging.getLogger(__name__)
GATHER_SECONDS = 0.03  # events of one moment are read together, however many transactions they come from
LOOK_AGAIN_SECONDS = 2.0  # if a notification was lost with its connection
LONGEST_QUEUE = 2000


@dataclass(frozen=True)
class Heard:
    seq: int
    data: str


@dataclass
class Subscription:
    """`lagging` is set when its reader is too slow: its stream ends, and the page comes back for a replay."""

    topics: frozenset[str]
    since: int
    queue: asyncio.Queue[Heard] = field(default_factory=lambda: asyncio.Queue(LONGEST_QUEUE))
    lagging: bool = False

    def hear(self, heard: Heard) -> None:
        try:
            self.queue.put_nowait(heard)
        except asyncio.QueueFull:
            self.lagging = True


class Feed:
    def __init__(self, database: Database, listener: Listener):
        self._database, self._listener = database, listener
        self._by_topic: dict[str, set[int]] = defaultdict(set)
        self._subscriptions: dict[int, Subscription] = {}
        self.streams: Counter[UUID] = Counter()  # that are open, by person
        self.cursor = 0
        self.ready = asyncio.Event()

    @contextmanager
    def subscribe(self, topics: Iterable[str], user_id: UUID) -> Iterator[Subscription]:
        """From `since` on, nothing of these topics is missed."""
        made = Subscription(frozenset(topics), self.cursor)
        key = id(made)
        self._subscriptions[key] = made
        self.streams[user_id] += 1
        for topic in made.topics:
            self._by_topic[topic].add(key)
        try:
            yield made
        finally:
            del self._subscriptions[key]
            self.streams[user_id] -= 1
            if not self.streams[user_id]:
                del self.streams[user_id]
            for topic in made.topics:
                self._by_topic[topic].discard(key)
                if not self._by_topic[topic]:
                    del self._by_topic[topic]

    async def run_forever(self) -> None:
        with self._listener.watch(LIVE) as watch:
            while True:
                try:
                    if not self.ready.is_set():  # older events are for replays
                        self.cursor = await run_in_threadpool(self._start)
                        self.ready.set()
                    more = await self.look()
                except SQLAlchemyError as error:  # the database is away; nothing is lost, the numbers are in it
                    log.warning("the live feed cannot read now: %s", type(error).__name__)
                    await asyncio.sleep(1)
                    continue
                except Exception:  # the feed must outlive one bad event
                    log.exception("the live feed failed and goes on")
                    await asyncio.sleep(1)
                    continue
                if not more:
                    await watch.wait(LOOK_AGAIN_SECONDS)
                    await asyncio.sleep(GATHER_SECONDS)

    async def look(self) -> bool:
        more, events = await run_in_threadpool(self._read)
        for event in events:
            self._hand_out(event)
        return more

    def _start(self) -> int:
        with self._database.session() as session:
            sequence(session)
            return newest(session)

    def _read(self) -> tuple[bool, list[Event]]:
        with self._database.session() as session:
            more = sequence(session)
        with self._database.session() as session:  # after the commit: another process may have numbered some
            events = after(session, self.cursor)
        return more or len(events) > LONGEST_QUEUE // 2, events

    def _hand_out(self, event: Event) -> None:
        assert event.seq is not None
        wanted = {key for topic in event.topics for key in self._by_topic.get(topic, ())}
        if wanted:
            heard = encode(event)
            for key in wanted:
                self._subscriptions[key].hear(heard)
        self.cursor = event.seq


def encode(event: Event) -> Heard:
    assert event.seq is not None
    data = {
        "kind": event.kind,
        "at": event.at.isoformat(),
        "topics": event.topics,
        "text": words(event.kind, event.payload),
        "payload": event.payload,
    }
    return Heard(event.seq, json.dumps(data, separators=(",", ":"), ensure_ascii=False))


def control(kind: str, **payload: Any) -> str:
    return json.dumps({"kind": kind, "payload": payload}, separators=(",", ":"))

"""LISTEN/NOTIFY: whoever waits for something in the database is woken by its commit, in every hub process."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
CHANNEL = "flip"  # one PostgreSQL channel; the topic is the payload, so LISTEN never has to change


def notify(session: Session, topic: str) -> None:
    """Wake waiters of `topic` when this transaction commits."""
    session.execute(text("SELECT pg_notify(:channel, :topic)"), {"channel": CHANNEL, "topic": topic})


class Watch:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

    async def wait(self, timeout: float) -> None:
        """Until the next notification, or `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._event.wait()
        self._event.clear()


class Listener:
    def __init__(self, url: str):
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._watches: dict[str, set[Watch]] = defaultdict(set)

    @contextmanager
    def watch(self, topic: str) -> Iterator["Watch"]:
        """Subscribe first, then look at the database, then wait: nothing falls in between."""
        watch = Watch()
        self._watches[topic].add(watch)
        try:
            yield watch
        finally:
            self._watches[topic].discard(watch)
            if not self._watches[topic]:  # topics are named after runs and trusts: none may stay for ever
                del self._watches[topic]

    async def run_forever(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._wake_all()  # what was notified while nobody listened
                    async for message in connection.notifies():
                        for watch in list(self._watches.get(message.payload, ())):
                            watch.wake()
            except (psycopg.Error, OSError) as error:
                log.warning("listening for notifications was interrupted: %s", type(error).__name__)
                await asyncio.sleep(1)

    def _wake_all(self) -> None:
        for watch in [watch for watches in self._watches.values() for watch in watches]:
            watch.wake()

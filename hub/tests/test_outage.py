"""What a request is told while the database is away, and what becomes of the loops meanwhile."""

import asyncio
import contextlib

from fastapi.testclient import TestClient

from flip_hub.app import create_app
from flip_hub.db import Database
from flip_hub.events import Listener
from flip_hub.scheduler.loop import Scheduler
from flip_hub.upkeep import keep_up

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


def test_a_request_is_told_to_come_back(hub):
    with TestClient(create_app(hub.settings, Database(NOWHERE))) as client:
        answer = client.get("/api/v1/health")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "2"
        assert client.get("/api/v1/projects", headers={"authorization": "Bearer x"}).status_code == 503


def test_scheduler_and_upkeep_outlive_it(hub, caplog):
    database = Database(NOWHERE)
    scheduler = Scheduler(hub.settings, database, None, {})  # type: ignore[arg-type]  it comes to no action

    async def a_moment() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await scheduler.run_forever(Listener(database.url))

    asyncio.run(a_moment())
    assert "the scheduler cannot read now" in caplog.text
    keep_up(database, [lambda session: session.connection()])
    assert "failed and is tried again" in caplog.text

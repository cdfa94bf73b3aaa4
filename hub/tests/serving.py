"""A real hub process's HTTP side, in a thread: what TestClient cannot show (streams, two hubs on one database)."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from flip_hub.app import create_app
from flip_hub.db import Database
from flip_hub.settings import HubSettings


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # the test runner's signals stay its own
        yield


@contextmanager
def serving(settings: HubSettings, database: Database, **kwargs) -> Iterator[str]:
    config = uvicorn.Config(
        create_app(settings, database, **kwargs), port=0, log_level="error", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


class Stream:
    """A page: reads messages of one stream until it is left."""

    def __init__(self, base: str, token: str, topics: str, last_event_id: str = ""):
        headers = {"authorization": f"Bearer {token}"} | ({"last-event-id": last_event_id} if last_event_id else {})
        self._client = httpx.Client(base_url=base, headers=headers, timeout=10, trust_env=False)
        self._context = self._client.stream("GET", "/api/v1/events", params={"topics": topics})
        self.last_id = last_event_id

    def __enter__(self) -> "Stream":
        self.response = self._context.__enter__()
        assert self.response.status_code == 200, self.response.read()
        self._lines = self.response.iter_lines()
        return self

    def __exit__(self, *_: object) -> None:
        self._context.__exit__(None, None, None)
        self._client.close()

    def next(self) -> dict:
        data = None
        for line in self._lines:
            if line.startswith("data: "):
                data = json.loads(line[6:])
            elif line.startswith("id: "):
                self.last_id = line[4:]
            elif line == "" and data is not None:
                return data
        raise EOFError

    def until(self, kind: str) -> dict:
        while (message := self.next())["kind"] != kind:
            pass
        return message

"""A real HTTP server in a thread that speaks both local APIs, and clean environments for each mode."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flip import _cohort_places, _metrics, protocol

TOKEN = "run-token-of-a-test"


class FakePlatform:
    """Answers from `answers[(method, path)]`, a list of (status, body) or functions of the request's body that give
    one; the last one is repeated."""

    def __init__(self, port: int = 0) -> None:
        self.answers: dict[tuple[str, str], list[Any]] = {}
        self.requests: list[tuple[str, str, dict[str, list[str]], Any]] = []
        self.delay = 0.0
        self.at_once, self.most_at_once, self._counting = 0, 0, threading.Lock()
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                parts = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                platform.count(1)
                threading.Event().wait(platform.delay)
                platform.count(-1)
                if self.headers["Authorization"] != f"Bearer {TOKEN}":
                    status, body = 401, {"code": "token_refused", "message": "The run has ended."}
                else:
                    as_json = self.headers["Content-Type"] == "application/json"
                    sent = json.loads(raw) if raw and as_json else raw or None
                    platform.requests.append((self.command, parts.path, parse_qs(parts.query), sent))
                    queue = platform.answers.get((self.command, parts.path), [(202, None)])
                    answer = queue.pop(0) if len(queue) > 1 else queue[0]
                    status, body = answer(sent) if callable(answer) else answer
                data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def count(self, more: int) -> None:
        """How many requests wait for their answer now, and the most that ever did."""
        with self._counting:
            self.at_once += more
            self.most_at_once = max(self.most_at_once, self.at_once)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def points(self) -> list[dict[str, Any]]:
        return [point for _, path, _, body in self.requests if path.endswith("/metrics") for point in body["points"]]

    def environment(self, mode: str) -> dict[str, str]:
        return {
            protocol.ENV_MODE: mode,
            protocol.ENV_URL: self.url,
            protocol.ENV_RUN_TOKEN: TOKEN,
            protocol.ENV_MODEL_ID: "model-1",
            protocol.ENV_PROJECT_ID: "project-1",
        }


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    for name in list(vars(protocol)):
        if name.startswith("ENV_"):
            monkeypatch.delenv(getattr(protocol, name), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # a proxy that must never be asked
    yield
    _metrics._queues.clear()
    _cohort_places.forget()


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    fake = FakePlatform()
    yield fake
    fake.stop()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def as_client(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
    for name, value in platform.environment("client").items():
        monkeypatch.setenv(name, value)
    return platform


@pytest.fixture
def as_server(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> FakePlatform:
    for name, value in platform.environment("server").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(protocol.ENV_RESULTS_DIR, str(tmp_path / "results"))
    return platform

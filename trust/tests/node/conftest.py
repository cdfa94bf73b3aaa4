"""Servers that a node may meet on its way: a small hub over TLS, a proxy, and what is neither."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from demo.proxy import Proxy


class Hub:
    """Answers health, enrolment, heartbeats, rotation, nets and messages; `refuse` holds codes by path."""

    def __init__(self) -> None:
        self.skew = timedelta(0)
        self.asked: list[tuple[str, dict[str, Any], str]] = []  # path, body, token
        self.refuse: dict[str, tuple[int, str]] = {}
        self.answer: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "/api/v1/health": lambda _: {"status": "ok"},
            "/api/trust/v1/enrol": lambda _: {
                "trust_id": str(uuid4()),
                "name": "trust-alpha",
                "token": "first-token",
                "hub_public_key": "",
            },
            "/api/trust/v1/heartbeat": lambda _: {},
            "/api/trust/v1/nets": lambda _: {"nets": []},
            "/api/trust/v1/messages": lambda body: {"accepted": [m["id"] for m in body["messages"]]},
        }

    def paths(self) -> list[str]:
        return [path.rpartition("/")[2] for path, _, _ in self.asked]

    @contextmanager
    def serving(self, context: ssl.SSLContext | None = None) -> Iterator[int]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(datetime.now(UTC) + hub.skew, usegmt=True)

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                body = json.loads(raw) if raw else {}
                hub.asked.append((self.path, body, self.headers.get("authorization", "").removeprefix("Bearer ")))
                if self.path in hub.refuse:
                    status, code = hub.refuse[self.path]
                    answer = {"code": code, "message": "This was refused."}
                else:
                    answer = hub.answer.get(self.path, lambda _: {"code": "not_found"})(body)
                    status = 422 if "code" in answer else 200
                sent = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            server.handle_error = lambda *_: None  # who does not trust the certificate hangs up
            if context is not None:
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            yield server.server_address[1]
            server.shutdown()
            thread.join(10)


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Hub of Nowhere")


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


class Certificates:
    """A server's side of TLS, by how its certificate is."""

    def __init__(self, authority: trustme.CA):
        self._authority = authority

    def of(self, *names: str, **options: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or ("localhost", "127.0.0.1")), **options).configure_cert(context)
        return context

    def expired(self) -> ssl.SSLContext:
        return self.of(not_after=datetime.now(UTC) - timedelta(days=3))

    def of_tomorrow(self) -> ssl.SSLContext:
        return self.of(not_before=datetime.now(UTC) + timedelta(days=2))


@pytest.fixture(scope="session")
def certificates(authority: trustme.CA) -> Certificates:
    return Certificates(authority)


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "https_proxy",
        "http_proxy",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLIP_TRUST_CONFIG", str(tmp_path / "config.toml"))

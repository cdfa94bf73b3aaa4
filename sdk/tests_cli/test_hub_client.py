"""What the client does with a server that misbehaves, and what the commands cost before they do anything."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sdk.tests_cli.hub_fixtures import FLIP, Shell, flip  # noqa: F401  fixture

from flip.cli.hub import client
from flip.cli.hub.client import Hub
from flip.cli.hub.credentials import Access
from flip.cli.hub.errors import HubProblem, HubUnavailable, line_of

# ruff: noqa: F811  pytest hands fixtures over by name


NONE = b'{"items": [], "next_cursor": null}'


class Server:
    """Answers with `answers` in order, the last one again and again; remembers what was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = [(200, NONE)]
        self.asked: list[tuple[str, str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                server.asked.append((self.command, self.path, self.headers["authorization"]))
                status, body = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                if status == 307:
                    self.send_header("location", "http://other.invalid/")
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = _answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.01))
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def hub(server: Server) -> Hub:
    return Hub(Access(server.url, "secret-token"))


def test_the_token_goes_along_and_is_not_part_of_what_is_printed(server: Server, hub: Hub):
    hub.projects()
    assert server.asked == [("GET", "/api/v1/projects?limit=200&cursor=", "Bearer secret-token")]
    assert "secret-token" not in repr(Access(server.url, "secret-token"))


def test_a_get_is_tried_again(server: Server, hub: Hub):
    server.answers = [(503, b""), (502, b"<html>"), (200, NONE)]
    assert hub.projects() == []
    assert len(server.asked) == 3


def test_nothing_else_is_tried_again(server: Server, hub: Hub):
    server.answers = [(503, b"")]
    for call in (
        lambda: hub.initiate("m", {}, None, {}),
        lambda: hub.put_file("m", "a.py", b""),
        lambda: hub.delete_file("m", "a.py"),
    ):
        server.asked.clear()
        with pytest.raises(HubUnavailable):
            call()
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer", [(200, b"<html>a page</html>"), (404, b"<html>"), (307, b""), (418, b'{"detail": 1}')]
)
def test_another_web_server_is_not_taken_for_a_hub(server: Server, hub: Hub, answer: tuple[int, bytes]):
    server.answers = [answer]
    with pytest.raises(HubProblem) as problem:
        hub.projects()
    assert problem.value.code == "not_a_hub"
    assert len(server.asked) == 1  # a redirect is not followed: the token stays


def test_a_problem_is_one_line_with_message_code_and_request(server: Server, hub: Hub):
    body = {"code": "model_busy", "message": "It is \x1b[31mbusy.", "details": {"runs": ["a", "b"]}, "request_id": "r1"}
    server.answers = [(409, json.dumps(body).encode())]
    with pytest.raises(HubProblem) as problem:
        hub.stop("r")
    assert line_of(problem.value) == "flip: It is \ufffd[31mbusy. runs: a, b. [model_busy] (request r1)"


def test_a_command_that_needs_nothing_heavy_loads_nothing_heavy(flip: Shell):
    code = (
        "import sys; sys.argv = ['flip', 'train', '--help']; import flip.cli.main as m, flip.cli.hub.client\n"
        "import flip.cli.hub.live_view, flip.local_run.project\n"
        "print([n for n in ('flwr', 'torch', 'pandas', 'numpy', 'flip_contracts', 'grpc') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=flip.environment)
    assert done.stdout == "[]\n", done.stderr

"""A real agent on a real synthetic hospital, and a small hub on a real port that speaks the contracts."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flip_contracts.manifest import Net, RunManifest, SignedManifest
from flip_contracts.messages import MessageBatch, MessageReceipt, Rejection
from flip_contracts.tasks import ClaimResponse, JoinRun, ReviewProject, Task
from flip_contracts.wire import canonical_bytes
from flip_trust.agent import Agent
from flip_trust.settings import TrustSettings
from flip_trust.synthetic import demo_query, write_omop
from flip_trust.synthetic.omop import choose_accessions

NAME = "trust-alpha"
FAKE_FL = """#!/bin/sh
# Stands for `flip-fl supernode`: has a child of its own and will not end when asked.
[ "$1" = supernode ] || exit 1  # asked for its sandbox: it has none
trap '' TERM
work=$(dirname "$3")
sleep 300 &
echo $! > "$work/child.pid"
env > "$work/env.txt"
echo '{"event":"online","code":"","error_class":"","text":""}' >> "$work/events.jsonl"
echo 'not an event' >> "$work/events.jsonl"
echo '{"event":"client_failed","code":"x","error_class":"KeyError","text":"no CANARY-A-0001"}' >> "$work/events.jsonl"
wait
sleep 300
"""


def eventually(what: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


class FakeHub:
    """Hands out `tasks`, keeps `messages`; answers 503 while `down`, rejects the kinds in `rejects`."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.tasks: list[Task] = []
        self.messages: list[Any] = []
        self.times: list[float] = []
        self.bodies: list[bytes] = []
        self.rejects: set[str] = set()
        self.unreadable: set[UUID] = set()
        self.down = False
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                hub.bodies.append(body)
                status, answer = hub.answer(self.path.partition("?")[0], body)
                self.send_response(status)
                if status != 204:
                    self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def public_key(self) -> str:
        raw = self.key.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self.down:
            return 503, b""
        if path.endswith("/heartbeat") or path.endswith("/extend"):
            return 204, b""
        if path.endswith("/claim"):
            if not self.tasks:
                time.sleep(0.05)
            tasks = [self.tasks.pop(0)] if self.tasks else []
            return 200, ClaimResponse(tasks=tasks).model_dump_json().encode()
        assert path.endswith("/messages"), path
        batch = MessageBatch.model_validate_json(body)
        if self.unreadable & {m.id for m in batch.messages}:
            return 422, b'{"code":"invalid_request","message":"no"}'
        bad = [m for m in batch.messages if m.kind in self.rejects]
        good = [m for m in batch.messages if m.kind not in self.rejects]
        self.messages += good
        self.times += [time.monotonic()] * len(good)
        rejected = [Rejection(id=m.id, code="message_refused", message="no") for m in bad]
        return 200, MessageReceipt(accepted=[m.id for m in good], rejected=rejected).model_dump_json().encode()

    def of(self, kind: str) -> list[Any]:
        return [m for m in self.messages if m.kind == kind]

    def ask(self, payload: Any) -> Any:
        """Give this task to the agent that is serving; its answer."""
        asked = task(payload)
        self.tasks.append(asked)
        return eventually(lambda: next((m for m in self.of("task_result") if m.task_id == asked.id), None))

    def join(self, review: ReviewProject, **changes: Any) -> JoinRun:
        manifest = RunManifest(
            **{
                "run_id": uuid4(),
                "project_id": review.project_id,
                "model_id": uuid4(),
                "model_name": "m",
                "query_id": review.query_id,
                "fab_sha256": "0" * 64,
                "trusts": [NAME],
                "net": Net(superlink="127.0.0.1:1", ca_pem="pem"),
                "issued_at": datetime.now(UTC),
                **changes,
            }
        )
        signature = base64.b64encode(self.key.sign(canonical_bytes(manifest))).decode()
        return JoinRun(signed=SignedManifest(manifest=manifest, signature=signature))


def task(payload: Any) -> Task:
    return Task(id=uuid4(), payload=payload, attempt=1, lease_expires_at=datetime.now(UTC) + timedelta(minutes=1))


class Site:
    """What tests use; test folders are no packages, so nothing can be imported from here."""

    task = staticmethod(task)
    eventually = staticmethod(eventually)

    def __init__(self, hub: FakeHub, settings: TrustSettings):
        self.hub, self.settings = hub, settings
        self.agent = self.fresh_agent()
        self.agent.store.set_identity(name=NAME, trust_id=str(uuid4()), token="t", hub_public_key=hub.public_key)
        self._thread: threading.Thread | None = None

    def fresh_agent(self) -> Agent:
        return Agent(self.settings)

    def review(self, sql: str | None = None, imaging: bool = False) -> ReviewProject:
        return ReviewProject(
            project_id=uuid4(),
            project_name="p",
            purpose="x",
            owner="o",
            imaging=imaging,
            query_id=uuid4(),
            sql=sql or demo_query(),
        )

    def approved(self, **approval: Any) -> ReviewProject:
        review = self.review()
        self.agent.run_task(task(review))
        self.agent.approvals.approve(review.project_id, **approval)
        return review

    def do(self, payload: Any) -> dict[str, Any]:
        """Run one task without serving; the answer as it waits in the outbox."""
        asked = task(payload)
        self.agent.run_task(asked)
        waiting = [json.loads(message) for _, message in self.agent.store.messages(1000)]
        return next(m for m in waiting if m.get("task_id") == str(asked.id))

    def serve(self) -> None:
        self._thread = threading.Thread(target=self.agent.serve, daemon=True)
        self._thread.start()
        eventually(lambda: self.agent.supervisor.data_api_url)

    def stop(self) -> float:
        started = time.monotonic()
        self.agent.stop()
        if self._thread:
            self._thread.join(15)
            assert not self._thread.is_alive()
        return time.monotonic() - started


@pytest.fixture(scope="session")
def omop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("omop") / "omop.duckdb"
    write_omop(path, 1, 200, choose_accessions("alpha", 1, 200, 12))
    return path


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


@pytest.fixture
def site(hub: FakeHub, omop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("HUB_SECRET", "must not reach a SuperNode")
    monkeypatch.setattr("flip_trust.flower.supervisor.STOP_SECONDS", 0.3)  # the fake SuperNode never ends when asked
    (tmp_path / "dicom").mkdir()
    fl = tmp_path / "flip-fl"
    fl.write_text(FAKE_FL)
    fl.chmod(0o700)
    settings = TrustSettings(
        sandbox_minimum="none",  # these nodes are shell scripts
        data_dir=tmp_path / "state",
        hub_url=hub.url,
        omop_path=omop,
        dicom_dir=tmp_path / "dicom",
        fl_command=fl,
        claim_wait_seconds=0.1,
    )
    site = Site(hub, settings)
    yield site
    site.stop()

"""One trust on a synthetic hospital: real keys, SQLite, DuckDB and DICOM; only the hub and flip-fl are made up.

Tests take everything through fixtures: test folders are not packages, so nothing can be imported from here.
"""

import base64
import hashlib
import json
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient

from flip_contracts.manifest import Net, RunManifest, SignedManifest
from flip_contracts.tasks import JoinRun, ReviewProject, StartNode, Task
from flip_contracts.wire import canonical_bytes
from flip_trust.agent import Agent
from flip_trust.data_api.app import create_data_api
from flip_trust.settings import TrustSettings
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.synthetic.dicom import write_dicom
from flip_trust.synthetic.omop import Accession, choose_accessions, demo_query, write_omop

NAME, SEED, PERSONS, ACCESSIONS = "trust-alpha", 1, 300, 12
FAKE_FL = """
import json, os, subprocess, sys, time
spec = json.load(open(sys.argv[sys.argv.index("--spec") + 1]))
work = spec["work_dir"]
child = subprocess.Popen(["sleep", "300"])
with open(work + "/child.part", "w") as sink:
    sink.write(str(child.pid))
os.rename(work + "/child.part", work + "/child.pid")
with open(work + "/events.jsonl", "a") as events:
    for event in (
        {"event": "online", "code": "", "error_class": "", "text": ""},
        {"event": "unheard_of", "text": "CANARY"},
        {"event": "sending", "code": "train", "text": "a" * 64},
        {"event": "sent", "code": "train", "text": "a" * 64, "numbers": {"bytes": 1234}},
        {"event": "sending", "code": "train", "text": "b" * 64},
        {"event": "client_failed", "code": "boom", "error_class": "KeyError", "text": "no CANARY-A-0001 here"},
    ):
        events.write(json.dumps(event) + "\\n")
time.sleep(300)
"""


class Hospital:
    def __init__(self, folder: Path):
        self.omop, self.dicom = folder / "omop.duckdb", folder / "dicom"
        self.accessions: list[Accession] = choose_accessions("alpha", SEED, PERSONS, ACCESSIONS)
        write_omop(self.omop, SEED, PERSONS, self.accessions)
        write_dicom(self.dicom, SEED, "alpha", [(a, str(person), day) for a, person, day in self.accessions])


class Site:
    """The agent, and what a hub, the trust's staff and a ClientApp do with it."""

    name, demo_query = NAME, staticmethod(demo_query)

    def __init__(self, agent: Agent, hub_key: Ed25519PrivateKey):
        self.agent, self.hub_key = agent, hub_key
        self._tokens: dict[UUID, str] = {}

    # --- the hub ---
    def task(self, payload: Any) -> Task:
        return Task(id=uuid4(), payload=payload, attempt=1, lease_expires_at=datetime.now(UTC) + timedelta(minutes=1))

    def do(self, payload: Any) -> dict[str, Any]:
        """Run one task; its answer as it waits in the outbox."""
        asked = self.task(payload)
        self.agent.run_task(asked)
        return next(m for m in self.outbox("task_result") if m["task_id"] == str(asked.id))

    def code(self, payload: Any) -> str | None:
        """The code of the task's error."""
        error = self.do(payload)["error"]
        return error and error["code"]

    def outbox(self, kind: str = "") -> list[dict[str, Any]]:
        waiting = [json.loads(message) for _, message in self.agent.store.messages(10_000)]
        return [m for m in waiting if not kind or m["kind"] == kind]

    def review(self, sql: str | None = None, imaging: bool = False) -> ReviewProject:
        """A project that waits for a decision."""
        review = ReviewProject(
            project_id=uuid4(),
            project_name="p",
            purpose="x",
            owner="o",
            imaging=imaging,
            query_id=uuid4(),
            sql=sql or demo_query(),
        )
        assert self.do(review)["error"] is None
        return review

    def approved(self, sql: str | None = None, imaging: bool = False, **approval: Any) -> ReviewProject:
        review = self.review(sql, imaging)
        self.agent.approvals.approve(review.project_id, **approval)
        return review

    def join(self, review: ReviewProject, key: Ed25519PrivateKey | None = None, **changes: Any) -> JoinRun:
        """A run of the project, signed by the hub (or by `key`)."""
        manifest = RunManifest(
            **{
                "run_id": uuid4(),
                "project_id": review.project_id,
                "model_id": uuid4(),
                "model_name": "m",
                "query_id": review.query_id,
                "fab_sha256": "0" * 64,
                "trusts": ["trust-beta", NAME],
                "net": Net(superlink="127.0.0.1:1", ca_pem="-----BEGIN CERTIFICATE-----"),
                "issued_at": datetime.now(UTC),
                **changes,
            }
        )
        signature = base64.b64encode((key or self.hub_key).sign(canonical_bytes(manifest))).decode()
        return JoinRun(signed=SignedManifest(manifest=manifest, signature=signature))

    # --- a run ---
    def started(self, review: ReviewProject, **changes: Any) -> UUID:
        join = self.join(review, **changes)
        run_id = join.signed.manifest.run_id
        assert self.do(join)["error"] is None
        assert self.do(StartNode(run_id=run_id))["error"] is None
        return run_id

    def live(self, review: ReviewProject) -> UUID:
        """A run with a token as `Supervisor.start` gives one, without a process: the data API cannot tell."""
        join = self.join(review)
        run_id = join.signed.manifest.run_id
        assert self.do(join)["error"] is None
        self._tokens[run_id] = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self._tokens[run_id].encode()).hexdigest()
        self.agent.store.update_run(run_id, token_sha256=digest)
        return run_id

    def token(self, run_id: UUID) -> str:
        return self._tokens.get(run_id) or self.spec(run_id)["app_env"]["FLIP_RUN_TOKEN"]

    def folder(self, run_id: UUID) -> Path:
        return self.agent.supervisor.folder(run_id)

    def spec(self, run_id: UUID) -> dict[str, Any]:
        return json.loads((self.folder(run_id) / "spec.json").read_text())

    def pids(self, run_id: UUID) -> tuple[int, int]:
        """The SuperNode's and its child's."""
        file = self.folder(run_id) / "child.pid"
        self.eventually(file.exists)
        row = self.agent.store.run(run_id)
        assert row is not None
        assert row.pid is not None
        return row.pid, int(file.read_text())

    def api(self, run_id: UUID | None = None, **options: Any) -> TestClient:
        """The data API as the run's ClientApp sees it."""
        agent = self.agent
        app = create_data_api(agent.store, agent.approvals, agent.images, agent.outbox, agent.rules, agent.witness)
        token = self.token(run_id) if run_id else ""
        return TestClient(app, headers={"authorization": f"Bearer {token}"} if token else {}, **options)

    # --- looking ---
    @staticmethod
    def alive(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    @staticmethod
    def eventually(what: Callable[[], Any], seconds: float = 5) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.02)
        return found


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    return Hospital(tmp_path_factory.mktemp("hospital"))


@pytest.fixture(scope="session")
def answers() -> dict[tuple[str, str], Any]:
    return {}


@pytest.fixture
def duckdb_asked_once(answers: dict[tuple[str, str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Real answers of the real engine; the same question is not asked again, which saves a process each time."""
    ask = DuckDbEngine._ask

    def remembered(self: DuckDbEngine, order: dict[str, Any]) -> Any:
        place = (str(self._path), json.dumps(order))
        if place not in answers:
            answers[place] = ask(self, order)
        head, body = answers[place]
        return json.loads(json.dumps(head)), body

    monkeypatch.setattr(DuckDbEngine, "_ask", remembered)


@pytest.fixture
def hub_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def agent(hospital: Hospital, hub_key: Ed25519PrivateKey, tmp_path: Path, duckdb_asked_once: None) -> Iterator[Agent]:
    fl = tmp_path / "flip-fl"
    fl.write_text(f"#!{sys.executable} -IS\n{FAKE_FL}")
    fl.chmod(0o700)
    settings = TrustSettings(
        sandbox_minimum="none",  # these nodes are shell scripts
        data_dir=tmp_path / "state",
        hub_url="http://127.0.0.1:9",  # nobody: these tests never dial
        omop_path=hospital.omop,
        dicom_dir=hospital.dicom,
        fl_command=fl,
    )
    agent = Agent(settings)
    raw = hub_key.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)
    hub_public_key = base64.b64encode(raw).decode()
    agent.store.set_identity(name=NAME, trust_id=str(uuid4()), token="t", hub_public_key=hub_public_key)
    yield agent
    agent.supervisor.stop_all()
    Site.eventually(lambda: not [t for t in threading.enumerate() if t.name == "node-events"])
    agent.pipeline.close()
    agent.ledger.close()
    agent.what_left.close()
    agent.store.close()


@pytest.fixture
def site(agent: Agent, hub_key: Ed25519PrivateKey) -> Site:
    return Site(agent, hub_key)

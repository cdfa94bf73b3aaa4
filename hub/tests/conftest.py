"""Real PostgreSQL, one database per worker built by the migrations; what a test did is rolled back.

Tests that need commits (threads, other processes, LISTEN/NOTIFY) are marked `commits`; they leave it empty.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hub.tests.fake_fl import FakeFl
from hub.tests.one_transaction import app_on, empty, one_transaction
from sqlalchemy import select, text

from flip_contracts.messages import DecisionMessage, ProjectDecision
from flip_contracts.statuses import Decision
from flip_contracts.wire import PROTOCOL_VERSION, canonical_bytes
from flip_hub.cli import migrate_database
from flip_hub.db import Database, now
from flip_hub.flower.follower import follow_once
from flip_hub.keys import SigningKey, ensure_signing_key
from flip_hub.login import passwords
from flip_hub.nets.tables import NetRow
from flip_hub.objects import Objects
from flip_hub.openapi import codes, operations
from flip_hub.postgres import EmbeddedPostgres
from flip_hub.projects.tables import ProjectMember
from flip_hub.scheduler.act import Actor
from flip_hub.scheduler.loop import Scheduler, Spawn
from flip_hub.settings import HubSettings, NetSettings
from flip_hub.users.service import create_user
from flip_hub.users.tables import User

# The real algorithm at a cost fit for tests; `test_passwords.py` looks at the cost that people get.
passwords.hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

QUERY = "SELECT person_id, year_of_birth FROM omop.person"
APP = Path(__file__).parents[2] / "tests" / "apps" / "numpy_app"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    # Not pytest's own folder: as root the server runs as another user, who may not enter that one.
    with TemporaryDirectory(prefix="flip-pg-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "data")
        yield postgres
        postgres.stop()


@pytest.fixture(scope="session")
def database(server: EmbeddedPostgres) -> Iterator[Database]:
    database = Database(server.url)
    migrate_database(database.url)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))  # nothing here has to survive a power cut
        connection.execute(text("SELECT pg_reload_conf()"))
    yield database
    database.close()


@pytest.fixture
def data(request: pytest.FixtureRequest, database: Database) -> Iterator[Database]:
    """The hub's database for one test, empty."""
    if request.node.get_closest_marker("commits"):
        yield database
        empty(database)
    else:
        with one_transaction(database) as undone:
            yield undone


SPECIFICATION: dict = {}


def specification(app) -> dict:
    """Made once: it takes a second, and is the same for every app."""
    if not SPECIFICATION:
        SPECIFICATION.update(app.openapi())
    return SPECIFICATION


@dataclass
class Person:
    client: TestClient
    token: str

    def call(self, method: str, path: str, **kwargs):
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return self.client.request(method, f"/api/v1/{path}", headers=headers, **kwargs)

    def get(self, path: str):
        response = self.call("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: dict | None = None, status: int = 201):
        response = self.call("POST", path, json=body or {})
        assert response.status_code == status, response.text
        return response.json()

    def refused(self, method: str, path: str, **kwargs) -> str:
        response = self.call(method, path, **kwargs)
        assert response.status_code >= 400, response.text
        body = response.json()
        assert set(body) == {"code", "message", "details", "request_id"}
        self._is_documented(method, path, response.status_code, body["code"])
        return body["code"]

    def _is_documented(self, method: str, path: str, status: int, code: str) -> None:
        """Whatever any test is refused with stands in the OpenAPI document, at that endpoint and status."""
        spec = specification(self.client.app)
        path = f"/api/v1/{path.partition('?')[0]}"
        for template, verb, operation in operations(spec):
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template).replace(r"\{path\}", ".+"))
            if verb == method.lower() and re.fullmatch(pattern, path):
                known = codes(spec, operation, status)
                if any(one == code or (one.startswith("^") and re.match(one, code)) for one in known):
                    return
        assert code == "http_error", f"{method} {path} answers {status} {code}, which OpenAPI does not say"


@dataclass
class FakeAgent:
    """A trust as the hub sees it: claims by HTTP, signs with its own key."""

    client: TestClient
    name: str
    token: str
    key: Ed25519PrivateKey
    tasks: list[dict] = field(default_factory=list)

    def call(self, path: str, body: dict):
        headers = {"authorization": f"Bearer {self.token}"}
        return self.client.post(f"/api/trust/v1/{path}", headers=headers, json=body)

    def claim(self, limit: int = 10) -> list[dict]:
        return self.call("tasks/claim?wait=0", {"max_tasks": limit}).json()["tasks"]

    def send(self, **message) -> dict:
        body = {"messages": [{"id": str(uuid4()), **message}]}
        response = self.call("messages", body)
        assert response.status_code == 200, response.text
        return response.json()

    def answer(self, task: dict, result: dict | None = None, error: dict | None = None) -> dict:
        return self.send(kind="task_result", task_id=task["id"], result=result, error=error)

    def answer_count(self, persons: int | None) -> None:
        (task,) = self.claim()
        result = {
            "persons": persons,
            "accessions": persons,
            "suppressed": persons is None,
            "threshold": 10,
            "rounded_to": 10,
        }
        assert self.answer(task, result)["rejected"] == []

    def decide(self, project: dict, sql: str, decision: Decision = Decision.APPROVED, **changes) -> dict:
        made = ProjectDecision(
            project_id=project["id"],
            query_id=project["query_id"],
            trust=self.name,
            decision=decision,
            sql_sha256=hashlib.sha256(sql.encode()).hexdigest(),
            decided_at=now(),
            **changes,
        )
        signature = base64.b64encode(self.key.sign(canonical_bytes(made))).decode()
        message = DecisionMessage(id=uuid4(), decision=made, signature=signature)
        return self.send(**message.model_dump(mode="json"))


@dataclass
class Hub:
    """The app on a fake net; `settle()` lets scheduler and follower do all they can."""

    client: TestClient
    database: Database
    settings: HubSettings
    fl: FakeFl
    net_id: UUID
    net: NetSettings
    admin: Person
    researcher: Person

    def app(self, settings: HubSettings) -> FastAPI:
        """Another hub process of these settings on the same database."""
        return app_on(settings, self.database)

    def scheduler(self, spawn: Spawn = lambda step: step()) -> Scheduler:
        """One whose steps are done before a look ends, or as `spawn` says."""
        actor = Actor(self.database, Objects(self.settings), SigningKey(self.settings.signing_key_file))
        return Scheduler(self.settings, self.database, actor, {self.net_id: (self.net, self.fl)}, spawn)

    def settle(self) -> None:
        scheduler = self.scheduler()
        for _ in range(4):
            if not self.fl.down:
                follow_once(self.database, self.net_id, self.fl, 0)
            scheduler.tick()

    def person(self, role: str, email: str) -> Person:
        with self.database.session() as session:
            create_user(session, "test", email, role, role, "a long password")
        body = {"email": email, "password": "a long password"}
        return Person(self.client, self.client.post("/api/v1/auth/login", json=body).json()["token"])

    def join(self, project_id: str, email: str) -> None:
        with self.database.session() as session:
            user = session.scalars(select(User).where(User.email == email)).one()
            session.add(ProjectMember(project_id=UUID(project_id), user_id=user.id))

    def trust(self, name: str) -> FakeAgent:
        code = self.admin.post("trusts", {"name": name})["enrolment_code"]
        key = Ed25519PrivateKey.generate()
        public = base64.b64encode(key.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)).decode()
        body = {"code": code, "public_key": public, "agent_version": "1", "protocol_version": PROTOCOL_VERSION}
        made = self.client.post("/api/trust/v1/enrol", json=body).json()
        return FakeAgent(self.client, name, made["token"], key)

    def approved_project(self, *agents: FakeAgent, name: str = "P") -> dict:
        project = self.researcher.post("projects", {"name": name, "purpose": "x", "kind": "imaging"})
        names = [a.name for a in agents]
        self.researcher.post(f"projects/{project['id']}/cohort-queries", {"sql": QUERY, "trusts": names})
        for agent in agents:
            agent.answer_count(40)
        project = self.researcher.post(f"projects/{project['id']}/stage", {"trusts": names}, 200)
        for agent in agents:
            (task,) = agent.claim()
            agent.answer(task, {})
            assert agent.decide(project, QUERY)["rejected"] == []
        return self.researcher.get(f"projects/{project['id']}")

    def model(self, project: dict) -> dict:
        model = self.researcher.post(f"projects/{project['id']}/models", {"name": "M"})
        for path in sorted(APP.rglob("*")):
            if path.suffix in {".py", ".toml"}:
                name = path.relative_to(APP).as_posix()
                response = self.researcher.call("PUT", f"models/{model['id']}/files/{name}", content=path.read_bytes())
                assert response.status_code == 200, response.text
        return model


@pytest.fixture
def hub(data: Database, tmp_path: Path) -> Iterator[Hub]:
    os.environ.pop("FLIP_HUB_NETS", None)
    settings = HubSettings(data_dir=tmp_path, background=False, require_totp=False)
    ensure_signing_key(settings.signing_key_file)
    (tmp_path / "ca.crt").write_text("CA")
    net = NetSettings(
        name="n", url="http://fake", key_file=tmp_path / "k", ca_file=tmp_path / "ca.crt", superlink="h:1"
    )
    with data.session() as session:
        row = NetRow(name="n", last_seen_at=now())
        session.add(row)
    with TestClient(app_on(settings, data)) as client:
        hub = Hub(client, data, settings, FakeFl(), row.id, net, Person(client, ""), Person(client, ""))
        hub.admin = hub.person("admin", "admin@x.example")
        hub.researcher = hub.person("researcher", "r@x.example")
        yield hub

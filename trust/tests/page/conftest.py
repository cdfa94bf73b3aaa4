"""The page of a real agent on a small synthetic hospital, and somebody of its staff at a browser."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from httpx import Response
from pyotp import TOTP

from flip_contracts.tasks import ReviewProject, Task
from flip_trust.agent import Agent
from flip_trust.page.app import create_page
from flip_trust.settings import TrustSettings
from flip_trust.staff import passwords
from flip_trust.staff.book import Role, StaffBook
from flip_trust.staff.login import Staff
from flip_trust.synthetic import demo_query, write_omop
from flip_trust.synthetic.omop import choose_accessions

# The real algorithm at a cost fit for tests; `test_login.py` looks at the cost that people get.
passwords.hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PASSWORD = "four random words make it"
HERE = "http://127.0.0.1:8460"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Browser:
    """Somebody of the trust's staff. Follows redirects, sends each form with the token that the page shows."""

    password = PASSWORD

    def __init__(self, client: TestClient, staff: Staff, clock: Clock):
        self.client, self.staff, self.clock = client, staff, clock
        self.secret = ""

    def get(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, path: str, status: int = 200, files: Any = None, **fields: str) -> str:
        answer = self.send(path, files=files, **fields)
        assert answer.status_code == status, answer.text
        return answer.text

    def send(self, path: str, files: Any = None, **fields: str) -> Response:
        shown = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.client.get("/").text)
        return self.client.post(path, data={"csrf": shown[1] if shown else ""} | fields, files=files)

    def code(self) -> str:
        """Of the authenticator, a new one each time."""
        self.clock.now += 30
        return TOTP(self.secret).at(int(self.clock.now))

    def first_login(self, login: str, first: str) -> None:
        shown = self.post("/login", login=login, password=first)
        found = re.search(r'id="secret">([A-Z2-7 ]+)<', shown)
        assert found, shown
        self.secret = found[1].replace(" ", "")
        self.post("/account", password=PASSWORD, again=PASSWORD, code=self.code())

    def log_in(self, login: str) -> str:
        return self.post("/login", login=login, password=PASSWORD, code=self.code())


class Site:
    """One trust with its page."""

    name = "trust-alpha"

    def __init__(self, agent: Agent, book: StaffBook):
        self.agent, self.clock = agent, Clock()
        self.staff = Staff(book, self.clock)
        self.app = create_page(agent, self.staff)

    def routes(self) -> list[tuple[str, str]]:
        """Method and path of each."""
        paths = self.app.openapi()["paths"]
        return [(method.upper(), path) for path, methods in paths.items() for method in methods]

    def stranger(self, **headers: str) -> Browser:
        client = TestClient(self.app, base_url=HERE, headers=headers)
        return Browser(client, self.staff, self.clock)

    def browser(self, login: str = "ada", role: Role = Role.REVIEWER) -> Browser:
        """Logged in, with a session without bounds."""
        found = self.stranger()
        found.first_login(login, self.staff.add(login, role))
        return found

    def review(self, imaging: bool = False, sql: str = "", **changes: Any) -> ReviewProject:
        """A project that waits."""
        facts = {"project_name": "Spleen outlines", "purpose": "Outline the spleen.", "owner": "Ada Byron"} | changes
        review = ReviewProject(project_id=uuid4(), query_id=uuid4(), imaging=imaging, sql=sql or demo_query(), **facts)
        until = datetime.now(UTC) + timedelta(minutes=1)
        self.agent.run_task(Task(id=uuid4(), payload=review, attempt=1, lease_expires_at=until))
        return review


@pytest.fixture(scope="session")
def omop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("omop") / "omop.duckdb"
    write_omop(path, 1, 200, choose_accessions("alpha", 1, 200, 12))
    return path


@pytest.fixture
def settings(omop: Path, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "dicom").mkdir()
    return {
        "sandbox_minimum": "none",
        "data_dir": tmp_path / "state",
        "hub_url": "http://127.0.0.1:9",  # nobody: the page needs no hub
        "omop_path": omop,
        "dicom_dir": tmp_path / "dicom",
        "fl_command": tmp_path / "flip-fl",
    }


@pytest.fixture
def site(settings: dict[str, Any], tmp_path: Path) -> Iterator[Site]:
    agent = Agent(TrustSettings(**settings))
    agent.store.set_identity(name=Site.name, trust_id=str(uuid4()), token="t", hub_public_key="")
    book = StaffBook(tmp_path / "state" / "staff.db")
    yield Site(agent, book)
    book.close()
    agent.ledger.close()
    agent.store.close()

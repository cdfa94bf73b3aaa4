"""A real hub for the tests of the command line: real HTTP, real PostgreSQL, a net in memory that the test drives.

Runs in the hub's own environment, where the command line is not installed. Takes one JSON list
`[action, {arguments}]` a line on standard input, answers each with one JSON line.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
import pyotp
import uvicorn
from hub.tests.conftest import APP, FakeAgent, Hub, Person
from hub.tests.fake_fl import FakeFl
from hub.tests.runs.test_story import join, metric

from flip_contracts.fl_api import EventKind
from flip_hub.app import create_app
from flip_hub.cli import migrate_database
from flip_hub.db import Database, now
from flip_hub.files.shelf import Shelf
from flip_hub.files.worker import FileWorker
from flip_hub.keys import ensure_signing_key
from flip_hub.nets.tables import NetRow
from flip_hub.objects import Objects
from flip_hub.postgres import EmbeddedPostgres
from flip_hub.results.tables import RunResult
from flip_hub.settings import HubSettings, NetSettings
from flip_hub.users.service import create_user

PASSWORD = "a long password"


class Driver:
    def __init__(self, folder: Path, url: str, port: int):
        self.settings = HubSettings(data_dir=folder, port=port, background=False, require_totp=False)
        ensure_signing_key(self.settings.signing_key_file)
        (folder / "ca.crt").write_text("CA")
        self.database = Database(url)
        migrate_database(self.database.url)
        self.port = port
        self.server: uvicorn.Server | None = None
        self.up()
        net = NetSettings(
            name="n", url="http://fake", key_file=folder / "k", ca_file=folder / "ca.crt", superlink="h:1"
        )
        client: Any = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
        with self.database.session() as session:
            row = NetRow(name="n", last_seen_at=now())
            session.add(row)
            for role in ("admin", "researcher", "viewer"):
                create_user(session, "test", f"{role}@x.example", f"The {role}", role, PASSWORD)
        nobody = Person(client, "")
        self.hub = Hub(client, self.database, self.settings, FakeFl(), row.id, net, nobody, nobody)
        self.hub.admin, self.hub.researcher = self._person("admin"), self._person("researcher")
        self.agents: dict[str, FakeAgent] = {name: self.hub.trust(name) for name in ("trust-alpha", "trust-beta")}

    def _person(self, role: str) -> Person:
        body = {"email": f"{role}@x.example", "password": PASSWORD}
        return Person(self.hub.client, self.hub.client.post("/api/v1/auth/login", json=body).json()["token"])

    def up(self) -> None:
        app = create_app(self.settings, self.database)
        config = uvicorn.Config(app, port=self.port, log_level="critical", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)

    def down(self) -> None:
        assert self.server
        self.server.should_exit = True
        self.thread.join()

    def _drain(self) -> None:
        """Tasks of earlier runs, so that the next one's are alone."""
        for agent in self.agents.values():
            for task in agent.claim():
                agent.answer(task, {})

    def project(self, name: str, approved: bool = True) -> dict:
        self._drain()
        if not approved:
            return self.hub.researcher.post("projects", {"name": name, "purpose": "x", "kind": "imaging"})
        return self.hub.approved_project(*self.agents.values(), name=name)

    def model(self, project_id: str, name: str) -> dict:
        return self.hub.researcher.post(f"projects/{project_id}/models", {"name": name})

    def upload(self, model_id: str) -> None:
        for path in sorted(APP.rglob("*")):
            if path.suffix in {".py", ".toml"}:
                url = f"models/{model_id}/files/{path.relative_to(APP).as_posix()}"
                assert self.hub.researcher.call("PUT", url, content=path.read_bytes()).status_code == 200

    def initiate(self, model_id: str) -> str:
        return self.hub.researcher.post(f"models/{model_id}/runs", {})["id"]

    def join(self, run_id: str) -> None:
        join(self.hub, UUID(run_id), *self.agents.values())

    def emit(self, run_id: str, kind: str, **payload: Any) -> None:
        self.hub.fl.emit(UUID(run_id), EventKind(kind), **payload)
        self.hub.settle()

    def metric(self, run_id: str, trust: str, value: float, round: int = 1) -> None:
        point = metric(value, client_name=trust) | {"round": round}
        assert self.agents[trust].send(kind="metrics", run_id=run_id, points=[point])["rejected"] == []

    def finish(self, run_id: str, results_bytes: int = 0, **how: Any) -> None:
        results = {"model.safetensors": os.urandom(results_bytes)} if results_bytes else None
        self.hub.fl.finish(UUID(run_id), results=results, **how)
        self.hub.settle()
        self._drain()

    def look_into_files(self) -> None:
        """What the hub's own worker does in the background."""
        worker = FileWorker(self.settings, self.database, Shelf(self.database, Objects(self.settings)))
        while worker.step():
            pass

    def second_factor(self, email: str) -> list[str]:
        """A person of this e-mail who has an authenticator app; returns their recovery codes."""
        with self.database.session() as session:
            create_user(session, "test", email, "Careful", "researcher", PASSWORD)
        body = {"email": email, "password": PASSWORD}
        careful = Person(self.hub.client, self.hub.client.post("/api/v1/auth/login", json=body).json()["token"])
        made = careful.post("auth/totp", status=200)
        proof = {"enrolment": made["enrolment"], "code": pyotp.TOTP(made["secret"]).now()}
        return careful.post("auth/totp/confirm", proof, 200)["recovery_codes"]

    def api_token(self) -> str:
        body = {"name": "script", "scopes": ["read", "write"], "expires_days": 1}
        return self.hub.researcher.post("tokens", body)["token"]

    def runs(self, model_id: str) -> list[dict]:
        return self.hub.researcher.get(f"models/{model_id}/runs")

    def sha256(self, run_id: str) -> str:
        with self.database.session() as session:
            return session.get_one(RunResult, UUID(run_id)).sha256

    def settle(self) -> None:
        self.hub.settle()


def main() -> None:
    with TemporaryDirectory(prefix="flip-cli-hub-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "data")
        driver = None
        try:
            (data := Path(folder) / "hub").mkdir()
            driver = Driver(data, postgres.url, int(sys.argv[1]))
            print(json.dumps({"ok": "ready"}), flush=True)
            for line in sys.stdin:
                action, arguments = json.loads(line)
                try:
                    answer = {"ok": getattr(driver, action)(**arguments)}
                except Exception as error:  # noqa: BLE001  whatever went wrong is the test's to tell
                    answer = {"error": f"{type(error).__name__}: {error}"}
                print(json.dumps(answer, default=str), flush=True)
        finally:
            if driver:
                driver.down()
                driver.database.close()
            postgres.stop()


if __name__ == "__main__":
    main()

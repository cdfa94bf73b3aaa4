"""A hub as it is run, for benchmarks: processes on one PostgreSQL, a net and trusts that answer as real ones do.

Only the training itself is left out: the net here ends a run some seconds after it was started.
"""

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from flip_contracts.statuses import Decision, ProjectStatus
from flip_contracts.wire import PROTOCOL_VERSION
from flip_hub import tables  # noqa: F401  every table must be known before the first mapping
from flip_hub.cli import migrate_database
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.db import Database, now
from flip_hub.files.service import zipped
from flip_hub.keys import ensure_signing_key
from flip_hub.postgres import EmbeddedPostgres
from flip_hub.projects.tables import Project, ProjectTrust
from flip_hub.settings import HubSettings
from flip_hub.trusts.tables import Trust
from flip_hub.users.service import create_user
from flip_hub.users.tables import User

REPO = Path(__file__).parents[2]
APP = REPO / "tests" / "apps" / "numpy_app"
SQL = "SELECT person_id, year_of_birth FROM omop.person"
PASSWORD = "four random words for this"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Net(ThreadingHTTPServer):
    """An FL API: every asked trust is online, a started run ends well after `seconds`."""

    daemon_threads = True

    def __init__(self, seconds: float = 1.5):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.seconds, self.lock = seconds, threading.Lock()
        self.runs: dict[str, dict[str, Any]] = {}
        self.log: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.results = zipped({"model.safetensors": b"tensors"})
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A hub that was killed while it asked."""

    def tell(self, run: str, kind: str, **payload: Any) -> None:
        with self.lock:
            event = {"seq": len(self.log) + 1, "run_id": run, "at": now().isoformat(), "kind": kind}
            self.log.append({**event, "payload": payload})

    def end(self, run: str, outcome: str = "succeeded", reason: str = "completed") -> None:
        with self.lock:
            if run not in self.runs or self.runs[run]["state"] == "finished":
                return
            self.runs[run]["state"] = "finished"
        digest = hashlib.sha256(self.results).hexdigest()
        ended = {"outcome": outcome, "reason": reason, "text": "Completed.", "train_results": 1}
        self.tell(run, "run_finished", **ended, results_sha256=digest, results_bytes=len(self.results))


class _Answers(BaseHTTPRequestHandler):
    server: Net
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self, body: Any, status: int = 200) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _run(self) -> str:
        return self.path.split("/")[3]

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def do_PUT(self) -> None:
        self._body()
        self.server.runs.setdefault(self._run(), {"state": "prepared", "nodes": []})
        self.answer({"fab_sha256": "0" * 64, "fab_bytes": 1})

    def do_POST(self) -> None:
        body, run = self._body(), self.server.runs.get(self._run())
        if run is None:
            return self.answer({"code": "run_unknown", "message": "No such run.", "details": {}}, 404)
        if self.path.endswith("/nodes"):
            trust = json.loads(body)["trust"]
            if trust not in run["nodes"]:
                run["nodes"].append(trust)
            return self.answer({"trust": trust, "node_id": "1", "online": True})
        if self.path.endswith("/start") and run["state"] == "prepared":
            run["state"] = "running"
            threading.Timer(self.server.seconds, self.server.end, [self._run()]).start()
        if self.path.endswith("/stop"):
            self.server.end(self._run(), "stopped", "stopped_by_user")
        self.answer({})

    def do_GET(self) -> None:
        if self.path.startswith("/v1/events"):
            after = int(self.path.split("after=")[1].split("&")[0])
            deadline = time.monotonic() + 5
            while not (found := self.server.log[after:]) and time.monotonic() < deadline:
                time.sleep(0.05)
            return self.answer({"events": found, "next_after": after + len(found)})
        if self.path == "/v1/health":
            health = {"superlink_online": True, "executor_online": True, "flwr_version": "none", "active_runs": 0}
            return self.answer(health)
        run = self.server.runs.get(self._run())
        if run is None:
            return self.answer({"code": "run_unknown", "message": "No such run.", "details": {}}, 404)
        if self.path.endswith("/results"):
            return self.answer(self.server.results)
        nodes = [{"trust": trust, "node_id": "1", "online": True} for trust in run["nodes"]]
        self.answer({"run_id": self._run(), "state": run["state"], "nodes": nodes})

    def do_DELETE(self) -> None:
        self.server.runs.pop(self._run(), None)
        self.answer(b"", 204)


class Platform:
    """`hubs` processes of `flip-hub serve` on one embedded PostgreSQL in `folder`."""

    def __init__(self, folder: Path, hubs: int = 1, **settings: str):
        self.folder, self.net = folder, Net()
        self._postgres = EmbeddedPostgres(folder / "postgres")
        migrate_database(self._postgres.url)
        self.database = Database(self._postgres.url)
        data = folder / "hub"
        ensure_signing_key(HubSettings(data_dir=data).signing_key_file)
        (folder / "key").write_text("key")
        (folder / "ca.crt").write_text("CA")
        net = {"name": "n", "url": self.net.url, "superlink": "h:1"}
        net |= {"key_file": str(folder / "key"), "ca_file": str(folder / "ca.crt")}
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("FLIP_")},
            "FLIP_HUB_DATA_DIR": str(data),
            "FLIP_HUB_DATABASE_URL": self._postgres.url,
            "FLIP_HUB_NETS": json.dumps([net]),
            "FLIP_HUB_REQUIRE_TOTP": "false",
            "FLIP_HUB_MAX_ACTIVE_RUNS": "10",
            **settings,
        }
        self.ports = [free_port() for _ in range(hubs)]
        self.processes = [self._start(port) for port in self.ports]
        try:
            self.wait_until_healthy()
        except TimeoutError:
            self.stop()
            raise

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        log = (self.folder / f"hub-{port}.log").open("ab")
        environment = {**self._environment, "FLIP_HUB_PORT": str(port)}
        code = "from flip_hub.cli import app; app(['serve'])"
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=log, stderr=log)

    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def wait_until_healthy(self, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        for url in self.urls():
            while True:
                try:
                    if httpx.get(f"{url}/api/v1/health", timeout=5, trust_env=False).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                if time.monotonic() > deadline:
                    logs = [log.read_text()[-1500:] for log in self.folder.glob("hub-*.log")]
                    raise TimeoutError("a hub did not come up:\n" + "\n".join(logs))
                time.sleep(0.1)

    def kill_hub(self, number: int) -> None:
        self.processes[number].kill()
        self.processes[number].wait()
        self.processes[number] = self._start(self.ports[number])

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.database.close()
        self._postgres.stop()
        self.net.shutdown()

    # --- people, trusts, projects ---
    def person(self, role: str, email: str) -> str:
        """A token of theirs."""
        with self.database.session() as session:
            create_user(session, "benchmark", email, role, role, PASSWORD)
        body = {"email": email, "password": PASSWORD}
        return httpx.post(f"{self.urls()[0]}/api/v1/auth/login", json=body, timeout=60, trust_env=False).json()["token"]

    def trust(self, admin: str, name: str) -> str:
        """Enrolled; returns its token."""
        with httpx.Client(base_url=self.urls()[0], timeout=60, trust_env=False) as client:
            made = client.post("/api/v1/trusts", json={"name": name}, headers=bearer(admin)).json()
            public = Ed25519PrivateKey.generate().public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)
            body = {"code": made["enrolment_code"], "public_key": base64.b64encode(public).decode()}
            body |= {"agent_version": "1", "protocol_version": PROTOCOL_VERSION}
            return client.post("/api/trust/v1/enrol", json=body).json()["token"]

    def project(self, owner_email: str, name: str, trusts: list[str], approved: bool = True) -> UUID:
        with self.database.session() as session:
            owner = session.scalars(select(User).where(User.email == owner_email)).one()
            project = Project(owner_id=owner.id, name=name, purpose="x", kind="imaging", status=ProjectStatus.UNSTAGED)
            session.add(project)
            session.flush()
            if approved:
                query = CohortQuery(project_id=project.id, created_by=owner.id, sql=SQL)
                session.add(query)
                session.flush()
                project.query_id, project.status = query.id, ProjectStatus.APPROVED
                asked = session.scalars(select(Trust).where(Trust.name.in_(trusts)))
                row = {"project_id": project.id, "decision": Decision.APPROVED, "decided_at": now()}
                session.add_all(ProjectTrust(trust_id=trust.id, **row) for trust in asked)
            return project.id

    def model(self, token: str, project: UUID) -> UUID:
        with httpx.Client(base_url=self.urls()[0], timeout=60, trust_env=False, headers=bearer(token)) as client:
            model = client.post(f"/api/v1/projects/{project}/models", json={"name": "M"}).json()["id"]
            app = zipped({p.relative_to(APP).as_posix(): p.read_bytes() for p in APP.rglob("*") if _belongs(p)})
            client.put(f"/api/v1/models/{model}/bundle", content=app).raise_for_status()
        return UUID(model)


def _belongs(path: Path) -> bool:
    return path.suffix in {".py", ".toml"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def result_of(task: dict[str, Any]) -> dict[str, Any]:
    """What a trust answers to a task."""
    match task["payload"]["type"]:
        case "cohort_count":
            return {"persons": 40, "accessions": 40, "suppressed": False, "threshold": 10, "rounded_to": 10}
        case "join_run":
            return {"public_key": "ecdsa key"}
        case _:
            return {}


def point(value: float, round_: int, label: str = "LOSS") -> dict[str, Any]:
    return {"id": str(uuid4()), "label": label, "value": value, "round": round_, "client_name": "", "at": _now()}


def _now() -> str:
    return now().isoformat()


def rss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0

"""A real net: `flip-fl serve` with its SuperLink over TLS, and SuperNodes as a trust's agent would start them."""

import base64
import io
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from flip_contracts.fl_api import RunSpec
from flip_contracts.sandbox import SandboxLevel

APP = Path(__file__).parent / "app"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def app_files(app: Path = APP) -> dict[str, bytes]:
    return {p.relative_to(app).as_posix(): p.read_bytes() for p in app.rglob("*") if p.suffix in {".py", ".toml"}}


@dataclass
class Node:
    work: Path
    process: subprocess.Popen

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def events(self) -> list[dict]:
        path = self.work / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass(eq=False)
class Net:
    root: Path
    ports: dict[str, int]
    key: str
    signing_key: ed25519.Ed25519PrivateKey
    process: subprocess.Popen
    client: httpx.Client
    level: SandboxLevel
    limits: dict[str, int] = field(default_factory=dict)
    host: str = "127.0.0.1"
    cursor: int = 0
    nodes: list[Node] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def hub_public_key(self) -> str:
        raw = self.signing_key.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def prepare(
        self, trusts: int = 2, archive: bytes | None = None, options: Mapping[str, object] | None = None, **run_config
    ) -> tuple[UUID, dict]:
        run_id = uuid4()
        run = {"model_id": uuid4(), "project_id": uuid4(), "cohort_query": "SELECT 1", "trust_count": trusts}
        spec = RunSpec.model_validate({**run, "run_config": run_config, **(options or {})})
        response = self.client.put(
            f"/v1/runs/{run_id}",
            data={"spec": spec.model_dump_json()},
            files={"app": ("app.zip", archive or zipped(app_files()))},
        )
        response.raise_for_status()
        return run_id, response.json()

    def join(
        self, run_id: UUID, trust: str, fab_sha256: str, superlink: str = "", env: Mapping[str, str] | None = None
    ) -> Node:
        private = ec.generate_private_key(ec.SECP384R1())
        public = private.public_key().public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH).decode()
        self.client.post(f"/v1/runs/{run_id}/nodes", json={"trust": trust, "public_key": public}).raise_for_status()
        work = self.root / f"{trust}-{run_id.hex[:8]}-{len(self.nodes)}"
        work.mkdir()
        key_file = work / "node.key"
        key_file.write_bytes(private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption()))
        spec = {
            "run_id": str(run_id),
            "trust": trust,
            "superlink": superlink or f"{self.host}:{self.ports['fleet']}",
            "ca_pem_file": str(self.root / "fl" / "pki" / "ca.crt"),
            "private_key_file": str(key_file),
            "fab_sha256": fab_sha256,
            "hub_public_key": self.hub_public_key,
            "work_dir": str(work),
            "app_env": {"SUPERNODE_NAME": trust},
            "sandbox": self.level,
            "limits": self.limits,
        }
        (work / "spec.json").write_text(json.dumps(spec))
        with (work / "node.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "flip_fl.cli", "supernode", "--spec", str(work / "spec.json")],
                env={**os.environ, **(env or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        node = Node(work, process)
        self.nodes.append(node)
        return node

    def start_again(self) -> None:
        """As whoever looks after it would, when it has ended."""
        with (self.root / "fl.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, env=self.env, stdout=log, stderr=log)

    def start(self, run_id: UUID, nodes: int) -> None:
        deadline = time.monotonic() + 40
        while sum(n["online"] for n in self.client.get(f"/v1/runs/{run_id}").json()["nodes"]) < nodes:
            assert time.monotonic() < deadline, "the nodes did not come online"
            time.sleep(0.1)
        self.client.post(f"/v1/runs/{run_id}/start").raise_for_status()

    def look(self, wait: float = 0.2) -> list[dict]:
        """What happened since the last look, in all runs of this net."""
        try:
            page = self.client.get("/v1/events", params={"after": self.cursor, "wait": wait}, timeout=15).json()
        except httpx.TransportError:  # it is being started again
            time.sleep(0.1)
            return []
        self.cursor = page["next_after"]
        return page["events"]

    def follow(self, run_id: UUID, timeout: float = 90) -> list[dict]:
        """All events of this run up to its end."""
        seen, deadline = [], time.monotonic() + timeout
        while time.monotonic() < deadline:
            seen += [e for e in self.look(5) if e["run_id"] == str(run_id)]
            if seen and seen[-1]["kind"] == "run_finished":
                return seen
        raise AssertionError(f"no end within {timeout} s: {[e['kind'] for e in seen]}")

    def run(
        self, trusts: list[str], archive: bytes | None = None, timeout: float = 90, **run_config
    ) -> tuple[UUID, dict, list[dict]]:
        run_id, prepared = self.prepare(len(trusts), archive, **run_config)
        nodes = [self.join(run_id, t, prepared["fab_sha256"]) for t in trusts]
        self.start(run_id, len(trusts))
        events = self.follow(run_id, timeout)
        for node in nodes:
            node.stop()
        return run_id, events[-1]["payload"], events


@pytest.fixture(scope="session")
def app_zip() -> Callable[[str], bytes]:
    """The app of this name in fl/tests/apps, as a researcher would upload it."""
    return lambda name: zipped(app_files(APP.parent / "apps" / name))


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    with running_net(tmp_path_factory.mktemp("net")) as net:
        yield net


@pytest.fixture(scope="session")
def another_net() -> Callable[..., AbstractContextManager[Net]]:
    return running_net


@contextmanager
def running_net(
    root: Path, settings: Mapping[str, str] | None = None, host: str = "127.0.0.1", inside: Sequence[str] = ()
) -> Iterator[Net]:
    """A net with its state in `root`; benchmarks/rounds.py uses it too. `inside` is what enters its machine."""
    ports = {name: free_port() for name in ("api", "relay", "superlink", "fleet")}
    key, signing_key = secrets.token_urlsafe(24), ed25519.Ed25519PrivateKey.generate()
    (root / "net.key").write_text(key)
    (root / "signing.pem").write_bytes(
        signing_key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    )
    env = {
        **os.environ,
        "FLIP_FL_DATA_DIR": str(root / "fl"),
        "FLIP_FL_NET_KEY_FILE": str(root / "net.key"),
        "FLIP_FL_SIGNING_KEY_FILE": str(root / "signing.pem"),
        **{f"FLIP_FL_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        "FLIP_FL_HOST": host,
        "FLIP_FL_FLEET_HOST": host,
        "FLIP_FL_SANDBOX_MINIMUM": SandboxLevel.NONE,  # a machine without namespaces runs all other tests
        **(settings or {}),
        "HUB_SECRET": "must not reach an app",
    }
    with (root / "fl.log").open("wb") as log:
        command = [*inside, sys.executable, "-m", "flip_fl.cli", "serve"]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    client = httpx.Client(
        base_url=f"http://{host}:{ports['api']}",
        headers={"authorization": f"Bearer {key}"},
        trust_env=False,
        timeout=30,
    )
    net = Net(root, ports, key, signing_key, process, client, SandboxLevel.NONE, host=host, command=command, env=env)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, (root / "fl.log").read_text()
            try:
                health = client.get("/v1/health").json()
                if health["superlink_online"]:
                    net.level = SandboxLevel(health["sandbox"]["level"])  # trusts of the same machine have the same
                    break
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, (root / "fl" / "superlink.log").read_text()
            time.sleep(0.2)
        yield net
    finally:
        for node in net.nodes:
            if node.process.poll() is None:
                node.process.kill()
        net.process.terminate()
        net.process.wait(30)  # seconds are enough on a machine that does nothing else

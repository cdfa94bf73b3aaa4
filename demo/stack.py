"""Start the real parts on 127.0.0.1: hub with embedded PostgreSQL, FL API with its SuperLink, and trusts."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from demo.client import HubClient
from demo.process import DemoError, Process, free_port, wait_until

REPO = Path(__file__).resolve().parents[1]
PLATFORM_BIN = Path(sys.executable).parent
FLOWER_BIN = REPO / ".venv-fl" / "bin"
OFFLINE = {
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
}


@dataclass
class Trust:
    name: str
    root: Path
    hub_url: str
    seed: int
    process: Process | None = None

    @property
    def env(self) -> dict[str, str]:
        return OFFLINE | {
            "FLIP_TRUST_DATA_DIR": str(self.root / "state"),
            "FLIP_TRUST_HUB_URL": self.hub_url,
            "FLIP_TRUST_OMOP_PATH": str(self.root / "data" / "omop.duckdb"),
            "FLIP_TRUST_DICOM_DIR": str(self.root / "data" / "dicom"),
            "FLIP_TRUST_FL_COMMAND": str(FLOWER_BIN / "flip-fl"),
            "FLIP_TRUST_SANDBOX_MINIMUM": "none",  # on a machine without namespaces the demo runs, and says so
        }

    def cli(self, *arguments: str) -> str:
        """Run `flip-trust …` as this hospital's staff would, on this hospital's machine."""
        done = subprocess.run(
            [str(PLATFORM_BIN / "flip-trust"), *arguments],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise DemoError(f"flip-trust {arguments[0]} at {self.name} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def generate(self, persons: int, accessions: int) -> None:
        marker = self.root / "data" / ".complete"
        if marker.exists():
            return
        self.root.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "flip_trust.synthetic", "--out", str(self.root / "data")),
                *("--trust", self.name.removeprefix("trust-"), "--seed", str(self.seed)),
                *("--persons", str(persons), "--accessions", str(accessions)),
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise DemoError(f"The synthetic hospital of {self.name} could not be made:\n{done.stderr[-2000:]}")
        marker.touch()

    def start(self) -> None:
        self.process = Process.start(
            self.name, [str(PLATFORM_BIN / "flip-trust"), "serve"], self.env, self.root / "agent.log"
        )

    def start_page(self, **env: str) -> tuple[Process, str]:
        """The trust's own page, by a process of its own beside the agent, and its address."""
        port = free_port()
        command = [str(PLATFORM_BIN / "flip-trust"), "page", "--port", str(port)]
        process = Process.start(f"{self.name}'s page", command, self.env | env, self.root / "page.log", self.root)
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until("The trust's page", lambda: _healthy(f"{address}/login"), 60, [process])
        except BaseException:
            process.stop()
            raise
        return process, address

    def new_staff(self, login: str, role: str) -> str:
        """The password for somebody's first login at that page."""
        known = {line.split()[0] for line in self.cli("staff", "list").splitlines()}
        done = self.cli("staff", "reset", login) if login in known else self.cli("staff", "add", login, "--role", role)
        return done.strip().rpartition(" ")[2]

    def stop(self) -> None:
        if self.process:
            self.process.stop()
            self.process = None


@dataclass
class Stack:
    """A whole federation under one folder. A second start with the same folder reuses everything in it."""

    root: Path
    persons: int = 2000
    accessions: int = 12
    trust_names: tuple[str, ...] = ("trust-alpha", "trust-beta")
    hub_env: dict[str, str] = field(default_factory=dict)
    on_stage: Callable[[str], None] = lambda _: None
    trusts: dict[str, Trust] = field(default_factory=dict)
    hub: Process | None = None
    fl: Process | None = None
    new_passwords: dict[str, str] = field(default_factory=dict)

    # --- small durable facts: ports and demo credentials, 0600 ---
    @property
    def _facts_file(self) -> Path:
        return self.root / "demo.json"

    def _facts(self) -> dict[str, Any]:
        return json.loads(self._facts_file.read_text()) if self._facts_file.exists() else {}

    def _remember(self, **facts: Any) -> dict[str, Any]:
        merged = self._facts() | facts
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._facts_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as sink:
            json.dump(merged, sink, indent=1)
        return merged

    @property
    def ports(self) -> dict[str, int]:
        ports = self._facts().get("ports") or {n: free_port() for n in ("hub", "fl_api", "relay", "fleet", "superlink")}
        self._remember(ports=ports)
        return ports

    @property
    def hub_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['hub']}"

    @property
    def _hub_process_env(self) -> dict[str, str]:
        fl_data = self.root / "fl"
        net = {
            "name": "net-1",
            "url": f"http://127.0.0.1:{self.ports['fl_api']}",
            "key_file": str(self.root / "keys" / "net.key"),
            "ca_file": str(fl_data / "pki" / "ca.crt"),
            "superlink": f"127.0.0.1:{self.ports['fleet']}",
        }
        return (
            OFFLINE
            | {
                "FLIP_HUB_DATA_DIR": str(self.root / "hub"),
                "FLIP_HUB_PORT": str(self.ports["hub"]),
                "FLIP_HUB_NETS": json.dumps([net]),
                "FLIP_HUB_REQUIRE_TOTP": "false",  # nobody should need a phone to try it
            }
            | self.hub_env
        )

    @property
    def _fl_process_env(self) -> dict[str, str]:
        return OFFLINE | {
            "FLIP_FL_DATA_DIR": str(self.root / "fl"),
            "FLIP_FL_API_PORT": str(self.ports["fl_api"]),
            "FLIP_FL_RELAY_PORT": str(self.ports["relay"]),
            "FLIP_FL_FLEET_PORT": str(self.ports["fleet"]),
            "FLIP_FL_SUPERLINK_PORT": str(self.ports["superlink"]),
            "FLIP_FL_SANDBOX_MINIMUM": "none",
            "FLIP_FL_NET_KEY_FILE": str(self.root / "keys" / "net.key"),
            "FLIP_FL_SIGNING_KEY_FILE": str(self.root / "hub" / "keys" / "hub_signing_key.pem"),
        }

    @property
    def processes(self) -> list[Process]:
        found = [self.hub, self.fl, *(t.process for t in self.trusts.values())]
        return [p for p in found if p]

    def hub_cli(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(PLATFORM_BIN / "flip-hub"), *arguments],
            env={**os.environ, **self._hub_process_env},
            capture_output=True,
            text=True,
            timeout=180,
        )
        if done.returncode:
            raise DemoError(f"flip-hub {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    # --- start ---
    def start(self) -> None:
        with ThreadPoolExecutor(len(self.trust_names), "hospital") as pool:  # they are made while the hub comes up
            trusts = [
                Trust(name, self.root / name, self.hub_url, n) for n, name in enumerate(self.trust_names, start=1)
            ]
            made = [pool.submit(trust.generate, self.persons, self.accessions) for trust in trusts]
            admin = self._start_hub_and_net()
            for trust, hospital in zip(trusts, made, strict=True):
                self.on_stage(f"Synthetic hospital and agent of {trust.name}")
                hospital.result()
                self.add_trust(trust, admin)
        self.on_stage("Trusts come online")
        levels = wait_until("Trusts coming online", lambda: self._sandbox_levels(admin), 120, self.processes)
        self.on_stage("Sandbox around apps: " + ", ".join(f"{level} at {name}" for name, level in levels.items()))

    def _start_hub_and_net(self) -> HubClient:
        """Returns the admin, who has made the researcher."""
        self.on_stage("Keys, embedded PostgreSQL and migrations")
        net_key = self.root / "keys" / "net.key"
        if not net_key.exists():
            net_key.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            net_key.touch(0o600)
            net_key.write_text(secrets.token_urlsafe(32))
        if "admin" not in self._facts():
            made = json.loads(self.hub_cli("init", "--json"))
            self.new_passwords[made["email"]] = made["password"]
            self._remember(admin={"email": made["email"], "password": made["password"]})

        self.on_stage("Hub; FL API and SuperLink (TLS, SuperNode authentication)")
        self._start_fl()
        self.start_hub()
        wait_until("Starting the hub", lambda: _healthy(f"{self.hub_url}/api/v1/health"), 60, self.processes)
        wait_until("Starting the SuperLink", self._net_is_online, 90, self.processes)

        admin = self.as_admin()
        if "researcher" not in self._facts():
            person = {"email": "researcher@flip.example", "name": "Demo Researcher", "role": "researcher"}
            self.new_passwords[person["email"]] = self.add_person("researcher", admin, person)
        return admin

    def add_person(self, who: str, admin: HubClient, person: dict[str, Any]) -> str:
        """An account whose password is kept, as `credentials(who)`, and returned."""
        made = admin.post("users", {**person, "must_change_password": False})
        self._remember(**{who: {"email": person["email"], "password": made["password"]}})
        return made["password"]

    def add_trust(self, trust: Trust, admin: HubClient) -> None:
        self.trusts[trust.name] = trust
        if trust.name not in {t["name"] for t in admin.get("trusts")}:
            code = admin.post("trusts", {"name": trust.name})["enrolment_code"]
            trust.cli("enrol", code, "--hub", self.hub_url)
        trust.start()

    def _sandbox_levels(self, admin: HubClient) -> dict[str, str]:
        """Of all trusts, once each is online and has tried its wall."""
        told = {t["name"]: t["components"].get("sandbox") for t in admin.get("trusts") if t["online"]}
        return {name: told[name] for name in self.trusts} if all(told.get(name) for name in self.trusts) else {}

    def start_hub(self) -> None:
        self.hub = Process.start(
            "hub", [str(PLATFORM_BIN / "flip-hub"), "serve"], self._hub_process_env, self.root / "hub.log"
        )

    def _start_fl(self) -> None:
        self.fl = Process.start(
            "fl", [str(FLOWER_BIN / "flip-fl"), "serve"], self._fl_process_env, self.root / "fl.log"
        )

    def start_fl_again(self) -> None:
        """After its end, which took its SuperLink with it."""
        assert self.fl
        self.fl.popen.wait()
        self._start_fl()

    def _net_is_online(self) -> bool:
        url = f"http://127.0.0.1:{self.ports['fl_api']}/v1/health"
        key = (self.root / "keys" / "net.key").read_text().strip()
        try:
            answer = httpx.get(url, headers={"authorization": f"Bearer {key}"}, timeout=2, trust_env=False)
            return answer.status_code == 200 and answer.json()["superlink_online"]
        except httpx.HTTPError:
            return False

    def credentials(self, who: str) -> dict[str, str]:
        """E-mail and password of the demo's `admin`, `researcher` or whom `add_person` made."""
        return self._facts()[who]

    def as_admin(self) -> HubClient:
        return HubClient.login(self.hub_url, **self._facts()["admin"])

    def as_researcher(self) -> HubClient:
        return HubClient.login(self.hub_url, **self._facts()["researcher"])

    def stop(self) -> None:
        for trust in self.trusts.values():
            trust.stop()
        for process in (self.fl, self.hub):
            if process:
                process.stop()
        self.hub = self.fl = None


def _healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False

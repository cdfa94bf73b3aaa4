"""`docs/run-a-trust.md`, followed word by word from a fresh home: every `sh` block of its numbered steps, in order.

Only three things are not as the page says: its two environments are the ones of this checkout, the code and the hub's
address are real ones, and the page takes a free port.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from demo.client import HubClient
from demo.process import Process, free_port, wait_until
from demo.stack import FLOWER_BIN, OFFLINE, PLATFORM_BIN, REPO, Stack, _healthy

pytestmark = pytest.mark.slow
STEP = re.compile(r"^## (\d)\. (.+?)\n(.*?)(?=^## )", re.M | re.S)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)


def steps() -> dict[str, str]:
    """Commands by the title of their step."""
    text = (REPO / "docs" / "run-a-trust.md").read_text()
    return {title: "".join(BLOCK.findall(body)) for _, title, body in STEP.findall(text)}


class Machine:
    """A fresh home. What one step exports, the next ones have, as in one shell."""

    def __init__(self, home: Path, **environment: str):
        self.home, self.said = home, "set -e\n"
        self.env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"} | OFFLINE | environment

    def run(self, commands: str, may_fail: bool = False) -> str:
        done = subprocess.run(
            ["bash", "-c", self.said + commands],
            env=self.env,
            capture_output=True,
            text=True,
            cwd=self.home,
            timeout=300,
        )
        self.said += "".join(line + "\n" for line in commands.splitlines() if line.startswith("export "))
        assert may_fail or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, commands: str, log: Path) -> Process:
        return Process.start("agent", ["bash", "-c", f"{self.said}exec {commands}"], self.env, log)


def test_who_follows_the_page_has_a_connected_trust(stack: Stack, tmp_path: Path):
    admin: HubClient = stack.as_admin()
    code = admin.post("trusts", {"name": "trust-by-the-page"})["enrolment_code"]
    port = free_port()
    marker = {"FLIP_CI_MARKER": os.environ["FLIP_CI_MARKER"]} if "FLIP_CI_MARKER" in os.environ else {}
    machine = Machine(tmp_path, FLIP_TRUST_PAGE_PORT=str(port), **marker)
    said = steps()
    assert list(said) == ["Install", "Data", "Enrol", "Check", "Let your staff in", "Start"]

    folder = tmp_path / "flip-trust"
    folder.mkdir()
    (folder / "venv").symlink_to(PLATFORM_BIN.parent)
    (folder / "fl").symlink_to(FLOWER_BIN.parent)
    assert "pip install ./contracts ./sdk ./trust" in said["Install"]

    machine.run(said["Data"])
    enrol = said["Enrol"].replace("CODE", code).replace("https://hub.example", stack.hub_url)
    assert enrol.count(code) == 1
    assert "ok    enrolled: as trust-by-the-page" in machine.run(enrol)
    checked = machine.run(said["Check"], may_fail=True).splitlines()
    wrong = [line for line in checked if line.startswith("FAIL") and "sandbox" not in line]  # not every machine has one
    assert wrong == []
    assert "password for the first login" in machine.run(said["Let your staff in"])
    agent = machine.start(said["Start"], tmp_path / "agent.log")
    try:
        wait_until("The page", lambda: _healthy(f"http://127.0.0.1:{port}/login"), 60, [agent])

        def online() -> bool:
            (trust,) = [t for t in admin.get("trusts") if t["name"] == "trust-by-the-page"]
            return trust["connection"] == "online" and trust["components"].get("omop") == "ok"

        wait_until("The hub seeing the trust", online, 60, [agent])
        before = machine.run("flip-trust keys show")
        machine.run("flip-trust keys rotate")  # while the agent runs
        assert before.split()[0] in machine.run("flip-trust keys show").splitlines()[1]
        wait_until("The hub seeing the trust with its new token", lambda: _later(admin), 60, [agent])
    finally:
        agent.stop()
        (trust,) = [t for t in admin.get("trusts") if t["name"] == "trust-by-the-page"]
        admin.post(f"trusts/{trust['id']}/revoke")  # the next test's federation is as it was


def _later(admin: HubClient) -> bool:
    """A heartbeat after the rotation: the audit log holds it, and the trust has been seen since."""
    (trust,) = [t for t in admin.get("trusts") if t["name"] == "trust-by-the-page"]
    rotated = [e for e in admin.get("audit?action=trust.rotated")["items"] if e["subject"] == trust["id"]]
    return bool(rotated) and trust["last_seen_at"] > rotated[0]["at"] and trust["components"].get("disk") is not None

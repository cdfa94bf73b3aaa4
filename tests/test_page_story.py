"""The web page in Debian's Chromium, against a real federation: the stories of a researcher, of a hospital's admin who
decides about that researcher's project, of the hub's admin, and of somebody invited. Nobody of them has a mouse.

The app is the tabular tutorial: five seconds of training instead of the MONAI tutorial's minutes; `test_tutorials.py`
trains that one. The browser's part, with axe on every page in light and dark and a phone's width, is `ui/e2e/story.ts`.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from demo import story
from demo.client import HubClient
from demo.process import wait_until
from demo.stack import REPO, Stack, Trust

pytestmark = pytest.mark.slow
UI = REPO / "ui"
APP = REPO / "tutorials" / "ehr_risk"
TRUSTS = ["trust-alpha", "trust-beta"]
NEEDED = {
    "npx": shutil.which("npx"),
    "Chromium": shutil.which("chromium"),
    "a built page": (UI / "dist" / "index.html").is_file(),
}
MISSING = ", ".join(name for name, there in NEEDED.items() if not there)


@pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}")
def test_researcher_hospital_and_admin_do_their_work_in_the_browser(stack: Stack, tmp_path: Path):
    admin = stack.as_admin()
    asked = {
        "hub": stack.hub_url,
        "app": str(APP),
        "trusts": TRUSTS,
        "never": "trust-gamma",
        "researcher": _account(admin, "story@flip.example", "Ada Story", role="researcher"),
        "trustAdmin": _account(
            admin,
            "ward@flip.example",
            "Wanda Ward",
            role="trust_admin",
            trusts=["trust-alpha"],
            must_change_password=False,
        ),
        "admin": stack.credentials("admin"),
    }
    Outside(stack, tmp_path).tell(asked)


def _account(admin: HubClient, email: str, name: str, **facts) -> dict[str, str]:
    made = admin.post("users", {"email": email, "name": name, **facts})
    return {"email": email, "password": made["password"]}


class Outside:
    """What a browser cannot do, by the name that the stories call it."""

    def __init__(self, stack: Stack, folder: Path):
        self.stack, self.folder, self.me = stack, folder, stack.as_admin()

    def tell(self, asked: dict) -> None:
        log = self.folder / "browser.log"
        with log.open("wb") as sink:
            browser = subprocess.Popen(
                ["npx", "--no-install", "tsx", "e2e/story.ts", json.dumps(asked)],
                cwd=UI,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
            )
        told = []
        try:
            assert browser.stdin
            assert browser.stdout
            for line in browser.stdout:
                told.append(line)
                print(line, end="", flush=True)
                if line.startswith("@ "):
                    what, *arguments = line[2:].split()
                    act: Callable[..., str | None] = getattr(self, what.replace("-", "_"))
                    browser.stdin.write(f"done {act(*arguments) or ''}\n")
                    browser.stdin.flush()
            assert browser.wait(30) == 0, "".join(told[-12:]) + log.read_text()[-4000:]
        finally:
            browser.kill()
            browser.wait()
            if self.stack.hub is None:
                self.stack.start_hub()

    def approve(self, trust: str, project: str) -> None:
        story.approve(self.stack, trust, project)

    def allow(self, trust: str) -> None:
        """Its policy lets its admins decide through the hub; the agent reads it by itself, and says so."""
        (self.stack.trusts[trust].root / "state" / "policy.yaml").write_text("decisions:\n  at_hub: allowed\n")

        def told() -> bool:
            return any(t["name"] == trust and t["components"].get("hub_decisions") == "allowed" for t in self._trusts())

        wait_until(f"{trust} telling its policy", told, 60, self.stack.processes)

    def _trusts(self) -> list[dict]:
        return self.me.get("trusts")

    def lose_hub(self) -> None:
        assert self.stack.hub
        self.stack.hub.stop()
        self.stack.hub = None

    def return_hub(self) -> None:
        self.stack.start_hub()

    def change(self, model: str) -> None:
        source = (APP / "app" / "client_app.py").read_bytes()
        self.me.put_file(model, "app/client_app.py", source + b"\n# a line that was not there\n")

    def long_run(self, model: str) -> None:
        """Returns when its first rounds are done."""
        run = self.me.post(f"models/{model}/runs", {"run_config": {"num-server-rounds": 500}})
        wait_until("The long run's rounds", lambda: len(self._run(run["id"])["rounds"]) > 1, 120, self.stack.processes)

    def _run(self, run: str) -> dict:
        return self.me.get(f"runs/{run}")

    def left(self, model: str, trust: str) -> str:
        """The trust's part in the newest run, once it is over; the run is ended then."""
        run = self.me.get(f"models/{model}/runs")[0]["id"]

        def over() -> str:
            part = {one["trust"]: one["state"] for one in self._run(run)["trusts"]}[trust]
            return part if part in ("left", "lost") else ""

        state = wait_until(f"{trust} leaving the run", over, 60, self.stack.processes)
        if self._run(run)["finished_at"] is None:
            self.me.post(f"runs/{run}/abort")
        story.finish(self.stack, self.me, run)
        return "left" if state in ("left", "lost") else state

    def enrol(self, name: str, code: str) -> None:
        Trust(name, self.folder / name, self.stack.hub_url, 9).cli("enrol", code, "--hub", self.stack.hub_url)

    def net(self) -> str:
        """What an admin types to add the stack's own net once more."""
        keys, fl = self.stack.root / "keys", self.stack.root / "fl"
        asked = {
            "url": f"http://127.0.0.1:{self.stack.ports['fl_api']}",
            "key": (keys / "net.key").read_text(),
            "superlink": f"127.0.0.1:{self.stack.ports['fleet']}",
            "ca": (fl / "pki" / "ca.crt").read_text(),
        }
        return json.dumps(asked)

    def train(self, model: str) -> str:
        """What becomes of a run that is initiated now; it is taken back."""
        run = self.me.post(f"models/{model}/runs")
        state = self._run(run["id"])["state"]
        self.me.post(f"runs/{run['id']}/abort")
        story.finish(self.stack, self.me, run["id"])
        return state

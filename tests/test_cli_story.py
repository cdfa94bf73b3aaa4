"""A researcher does everything from a terminal: what docs/from-laptop-to-platform.md writes, on a real federation."""

import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo import story
from demo.client import HubClient
from demo.stack import FLOWER_BIN, REPO, Stack
from sdk.tests_cli.hub_fixtures import Shell, Terminal

pytestmark = pytest.mark.slow
PAGE = REPO / "docs" / "from-laptop-to-platform.md"
APP = Path(__file__).parent / "apps" / "numpy_app"
EMAIL = "researcher@flip.example"


def commands() -> list[str]:
    """Every line of the page's shell blocks. What they install is installed."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if not line.startswith("pip install")]


@dataclass
class Laptop:
    """A shell with `flip` on its path, an empty home, and the page's examples put in place of their names here."""

    shell: Shell
    hub_url: str
    password: str
    project: str

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        for example, real in (
            ("https://hub.example", self.hub_url),
            ("you@hospital.example", EMAIL),
            ("Spleen outlines", self.project),
        ):
            command = command.replace(example, real)
        env = self.shell.environment
        env |= {"PATH": f"{FLOWER_BIN}:{env['PATH']}", "PASSWORD": self.password}
        if command.startswith("flip login"):
            return self._typing(command, env)
        arguments = ["bash", "-ec", command]
        return subprocess.run(arguments, cwd=self.shell.home, env=env, capture_output=True, text=True, timeout=300)

    def _typing(self, command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        terminal = Terminal(["/bin/bash", "-ec", command], env, self.shell.home)
        terminal.until("Password: ")
        terminal.type(f"{self.password}\n")
        return subprocess.CompletedProcess(command, terminal.end(), terminal.seen, "")


@pytest.fixture
def laptop(stack: Stack, project: dict, tmp_path: Path) -> Laptop:
    return Laptop(Shell(tmp_path), stack.hub_url, stack.new_passwords[EMAIL], project["name"])


@pytest.fixture
def logged_in(laptop: Laptop) -> Laptop:
    assert laptop.run("flip login https://hub.example --username you@hospital.example").returncode == 0
    return laptop


def test_the_pages_commands_do_what_the_page_says(stack: Stack, me: HubClient, laptop: Laptop):
    said = {}
    for command in commands():
        done = said[command] = laptop.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    used = {words[1] for command in said for words in [command.split(" | ")[-1].split()] if words[0] == "flip"}
    assert used == {
        "app",
        "login",
        "logout",
        "projects",
        "models",
        "upload",
        "train",
        "watch",
        "stop",
        "results",
        "logs",
    }

    assert "trust-alpha approved, trust-beta approved" in said["flip projects"].stdout
    (watched,) = (done.stdout for command, done in said.items() if "--watch" in command)
    statuses = re.findall(r"(?m)^..:..:..  ([A-Z_]+)$", watched)
    assert statuses == ["INITIATED", "PREPARED", "TRAINING_STARTED", "RESULTS_UPLOADED"]
    for trust in ("trust-alpha", "trust-beta"):
        assert re.search(rf"  {trust}  TRAIN_LOSS [0-9.e-]+  \(round 2\)", watched), watched
    assert "Round 2 (train): 2 results, 0 failures." in watched
    assert re.search(r"Run [0-9a-f]{8} succeeded", watched)

    with zipfile.ZipFile(laptop.shell.home / "first-try.zip") as archive:
        assert archive.testzip() is None
        assert "model.safetensors" in archive.namelist()
    assert not laptop.shell.credentials.exists()

    (model,) = (
        m for p in me.get("projects")["items"] for m in me.get(f"projects/{p['id']}/models") if m["name"] == "First try"
    )
    newest = story.finish(stack, me, me.get(f"models/{model['id']}/runs")[0]["id"])
    assert newest["state"] == "stopped"


def test_an_app_that_cannot_run_is_not_sent(me: HubClient, logged_in: Laptop):
    app = shutil.copytree(APP, logged_in.shell.home / "app")
    (app / "app" / "client_app.py").unlink()
    assert logged_in.run('flip models "Spleen outlines" --create Broken').returncode == 0
    done = logged_in.run("flip upload Broken app")
    assert done.returncode == 1
    assert "component_unresolved" in done.stdout
    assert done.stderr == "flip: The app has 1 error; nothing was uploaded. [app_check_failed]\n"
    (model,) = (
        m for p in me.get("projects")["items"] for m in me.get(f"projects/{p['id']}/models") if m["name"] == "Broken"
    )
    assert me.get(f"models/{model['id']}/files") == []


FAILURES = {
    "server_raises": ("server_app_raised", "the server has a bad day"),
    "clients_raise": ("no_client_results", "RuntimeError"),
}


def test_an_app_that_fails_on_the_platform_is_told_with_its_reason(logged_in: Laptop):
    assert logged_in.run('flip models "Spleen outlines" --create Failing').returncode == 0
    uploaded = logged_in.run(f"flip upload Failing {APP}")
    assert uploaded.returncode == 0, uploaded.stdout + uploaded.stderr
    for behaviour, (code, words) in FAILURES.items():
        done = logged_in.run(f"""flip train Failing --watch --run-config 'behaviour="{behaviour}"'""")
        assert done.returncode == 1, done.stdout
        assert re.search(rf"flip: Run [0-9a-f]{{8}} failed: .*{words}.* \[{code}\]", done.stderr), done.stderr
        assert "CANARY" not in done.stdout + done.stderr

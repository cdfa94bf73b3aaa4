"""A hub that runs beside the tests, and the `flip` command as a person runs it: a process with its own home."""

import atexit
import contextlib
import fcntl
import functools
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

REPO = Path(__file__).resolve().parents[2]
FLIP = REPO / ".venv-fl" / "bin" / "flip"
HUB_PYTHON = REPO / ".venv" / "bin" / "python"
PASSWORD = "a long password"
APP = REPO / "tests" / "apps" / "numpy_app"


@dataclass
class TestHub:
    """`do("emit", run_id=…, …)` is the hand of trusts and net; see hub_driver.py."""

    __test__ = False
    url: str
    process: subprocess.Popen[str]

    def do(self, action: str, **arguments: Any) -> Any:
        assert self.process.stdin
        self.process.stdin.write(json.dumps([action, arguments]) + "\n")
        self.process.stdin.flush()
        return self.read()

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)

    def read(self) -> Any:
        assert self.process.stdout
        answer = json.loads(self.process.stdout.readline() or '{"error": "the hub has ended"}')
        assert "error" not in answer, answer["error"]
        return answer["ok"]


@functools.cache
def the_hub() -> TestHub:
    """One for the whole session. It ends when we do: its standard input closes then."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    process = subprocess.Popen(
        [str(HUB_PYTHON), "-W", "ignore", str(Path(__file__).with_name("hub_driver.py")), str(port)],
        env={**os.environ, "PYTHONPATH": str(REPO)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    hub = TestHub(f"http://127.0.0.1:{port}", process)
    atexit.register(hub.end)
    hub.read()
    return hub


@functools.cache
def token_of(url: str) -> str:
    body = {"email": "researcher@x.example", "password": PASSWORD}
    return httpx.post(f"{url}/api/v1/auth/login", json=body, trust_env=False).json()["token"]


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """One person at one machine: `flip("projects")` runs the command there."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def credentials(self) -> Path:
        return self.home / ".config" / "flip" / "credentials.json"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLIP_", "XDG_"))}
        return {**kept, "HOME": str(self.home), "NO_COLOR": "1", **self.env}

    def __call__(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> Said:
        done = subprocess.run(
            [str(FLIP), *arguments],
            env=self.environment,
            cwd=cwd or self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(FLIP), *arguments],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell lets what it starts in the background ignore Ctrl-C, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def logged_in(self, url: str) -> "Shell":
        """As after a login of the researcher, without the time that it takes."""
        self.credentials.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.credentials.touch(0o600)
        self.credentials.write_text(json.dumps({"hub_url": url, "token": token_of(the_hub().url)}))
        return self

    def login(self, url: str, role: str = "researcher") -> Said:
        said = self("login", url, "--username", f"{role}@x.example", "--password-stdin", stdin=f"{PASSWORD}\n")
        assert said.code == 0, said.err
        return said

    def on_terminal(self, *arguments: str) -> "Terminal":
        return Terminal([str(FLIP), *arguments], {**self.environment, "TERM": "xterm"}, self.home)


class Terminal:
    """The command on a pseudo-terminal of 100 columns: what a person sees, and what they type."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: Path):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(command[0], command, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.seen = ""

    def until(self, pattern: str, timeout: float = 60) -> str:
        """Everything seen so far, once it matches."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.seen):
            assert time.monotonic() < deadline, f"never saw {pattern!r} in {self.seen!r}"
            if not self._read():
                raise AssertionError(f"ended without {pattern!r} in {self.seen!r}")
        return self.seen

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def end(self) -> int:
        """The exit code, when the command has ended by itself."""
        while self._read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        with contextlib.suppress(OSError):  # how a pseudo-terminal says that the other side is gone
            if select.select([self.fd], [], [], 1)[0]:
                data = os.read(self.fd, 65536)
                self.seen += data.decode(errors="replace")
                return bool(data)
            return True
        return False


@dataclass
class Story:
    """A researcher who is logged in, with an approved project of an unheard-of name and a model in it."""

    hub: TestHub
    flip: Shell
    project: str
    model: str
    model_id: str

    def uploaded(self) -> "Story":
        self.hub.do("upload", model_id=self.model_id)
        return self

    def runs(self) -> list[dict]:
        """As the hub knows them, newest first."""
        return self.hub.do("runs", model_id=self.model_id)

    def queued(self) -> str:
        return self.hub.do("initiate", model_id=self.model_id)

    def running(self) -> str:
        run_id = self.queued()
        self.hub.do("join", run_id=run_id)
        return run_id

    def finished(self, results_bytes: int = 1000) -> str:
        run_id = self.running()
        self.hub.do("finish", run_id=run_id, results_bytes=results_bytes)
        return run_id


@pytest.fixture
def hub() -> TestHub:
    return the_hub()


@pytest.fixture
def flip(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def story(hub: TestHub, flip: Shell) -> Story:
    flip.logged_in(hub.url)
    project, model = (f"{kind} {uuid4().hex[:12]}" for kind in ("Project", "Model"))
    made = hub.do("project", name=project)
    return Story(hub, flip, project, model, hub.do("model", project_id=made["id"], name=model)["id"])

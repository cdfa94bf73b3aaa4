"""A hub that runs beside the tests, and the `flip` command as a person runs it: a process with its own home."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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

    def read(self) -> Any:
        assert self.process.stdout
        answer = json.loads(self.process.stdout.readline() or '{"error": "the hub has ended"}')
        assert "error" not in answer, answer["error"]
        return answer["ok"]


@contextmanager
def running_hub() -> Iterator[TestHub]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    process = subprocess.Popen(
        [str(HUB_PYTHON), str(Path(__file__).with_name("hub_driver.py")), str(port)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        hub = TestHub(f"http://127.0.0.1:{port}", process)
        hub.read()
        yield hub
    finally:
        if process.stdin:
            process.stdin.close()  # the driver ends, and with it PostgreSQL
        process.wait(30)


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
            timeout=60,
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
        )

    def login(self, url: str, role: str = "researcher") -> Said:
        said = self("login", url, "--username", f"{role}@x.example", "--password-stdin", stdin=f"{PASSWORD}\n")
        assert said.code == 0, said.err
        return said

"""The warm parent, for real: it is forked from here with a task of our own in the place of Flower's."""

import contextlib
import io
import json
import os
import random
import signal
import socket
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flip_fl.executor import tasks
from flip_fl.executor.imports import platform_imports
from flip_fl.executor.zygote import PACKET, Zygote
from flip_fl.fab import build_fab

SEEN = 0  # what a child changes here must not reach the next one


def perform(kind: str, order: dict[str, Any]) -> None:
    global SEEN
    SEEN += 1
    facts = {
        "pid": os.getpid(),
        "seen": SEEN,
        "work": os.getcwd(),
        "tmp": os.environ["TMPDIR"],
        "random": [random.random(), float(np.random.rand())],
    }
    print(json.dumps(facts), flush=True)
    match order["token"]:
        case "sleep":
            if os.fork() == 0:
                print(f"grandchild {os.getpid()}", flush=True)
            time.sleep(60)
        case "_exit":
            os._exit(0)
        case "raise":
            raise ValueError("boom")
        case "SystemExit":
            raise SystemExit(0)
        case "failed":
            raise tasks.EndOfTask(1)
    raise tasks.EndOfTask(0)


@dataclass
class Parent:
    pid: int
    sock: socket.socket
    root: Path
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)

    def start(self, task: int, token: str = "", keep: bool = False) -> int:
        """The reading end of the task's output."""
        folder = self.root / ("kept" if keep else str(task))
        for part in ("work", "tmp"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        env = {"TMPDIR": str(folder / "tmp")}
        order = {"token": token, "work": str(folder / "work"), "env": env, "keep_process": keep}
        socket.send_fds(self.sock, [json.dumps({"task": task, "order": order}).encode()], [writing])
        os.close(writing)
        return reading

    def hear(self, task: int) -> dict[str, Any]:
        """How the task ended."""
        while "exit" not in self.tasks.setdefault(task, {}):
            told = json.loads(self.sock.recv(PACKET))
            self.tasks.setdefault(told["task"], {}).update(told)
        return self.tasks[task]

    def run(self, task: int, token: str = "", keep: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        reading = self.start(task, token, keep)
        with os.fdopen(reading) as output:
            text = output.read()
        return json.loads(text.splitlines()[0]), self.hear(task)


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parent]:
    monkeypatch.setattr(tasks, "perform", perform)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(20)
    pid = os.fork()
    if pid == 0:
        ours.close()
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  pytest has put files of its own there
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        with contextlib.suppress(BaseException):
            Zygote(theirs, "clientapp").serve()
        os._exit(0)
    theirs.close()
    yield Parent(pid, ours, tmp_path)
    ours.close()
    os.waitpid(pid, 0)


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_each_task_starts_as_a_fresh_process_would(parent):
    (one, end_one), (two, end_two) = parent.run(1), parent.run(2)
    assert one["seen"] == two["seen"] == 1
    assert one["pid"] != two["pid"]
    assert one["random"][0] != two["random"][0]
    assert one["random"][1] != two["random"][1]
    assert (Path(one["work"]), one["tmp"]) == (parent.root / "1" / "work", str(parent.root / "1" / "tmp"))
    assert Path(two["work"]) == parent.root / "2" / "work"
    assert (end_one["exit"], end_one["finished"]) == (end_two["exit"], end_two["finished"]) == (0, True)


@pytest.mark.parametrize(
    ("token", "exit_code", "finished"),
    [("failed", 1, True), ("raise", 1, False), ("SystemExit", 1, False), ("_exit", 0, False)],
)
def test_only_the_end_of_flowers_own_runner_counts_as_finished(parent, token, exit_code, finished):
    _, end = parent.run(1, token)
    assert (end["exit"], end["finished"]) == (exit_code, finished)


def test_a_kept_process_finds_what_it_had_and_a_failed_one_is_not_kept(parent):
    one, end = parent.run(1, keep=True)
    two, _ = parent.run(2, keep=True)
    assert (end["exit"], end["finished"]) == (0, True)
    assert (two["seen"], two["pid"]) == (2, one["pid"])
    three, end = parent.run(3, "failed", keep=True)
    assert (three["pid"], end["exit"]) == (one["pid"], 1)
    four, _ = parent.run(4, keep=True)
    assert (four["seen"], four["pid"] != one["pid"]) == (1, True)


def test_a_kill_ends_the_task_and_what_it_started(parent):
    reading = parent.start(1, "sleep")
    output = os.fdopen(reading)
    facts, other = json.loads(output.readline()), output.readline()
    grandchild = int(other.split()[1])
    parent.sock.send(json.dumps({"kill": 1}).encode())
    end = parent.hear(1)
    assert (end["exit"], end["finished"]) == (-signal.SIGKILL, False)
    assert gone(facts["pid"])
    assert gone(grandchild)
    output.close()


def test_when_the_launcher_goes_all_go(parent):
    output = os.fdopen(parent.start(1, "sleep"))
    facts = json.loads(output.readline())
    grandchild = int(output.readline().split()[1])
    parent.sock.shutdown(socket.SHUT_RDWR)
    assert gone(facts["pid"])
    assert gone(grandchild)
    output.close()


def test_two_tasks_run_side_by_side(parent):
    first, second = parent.start(1, "sleep"), parent.start(2)
    assert parent.hear(2)["exit"] == 0
    parent.sock.send(json.dumps({"kill": 1}).encode())
    assert parent.hear(1)["exit"] == -signal.SIGKILL
    os.close(first)
    os.close(second)


def test_the_platform_modules_of_an_app_are_read_from_its_code():
    code = (
        b"import torch.nn as nn\nimport os\nfrom sklearn.linear_model import SGDClassifier\n"
        b"from app.torch import x\nfrom . import pandas\nimport antigravity\n"
    )
    toml = (
        b'[project]\nname = "a"\nversion = "1"\n[tool.flwr.app]\npublisher = "p"\n'
        b'[tool.flwr.app.components]\nserverapp = "app.a:app"\nclientapp = "app.a:app"\n'
    )
    files = {"pyproject.toml": toml, "app/__init__.py": b"", "app/a.py": code, "app/b.py": b"import ("}

    def built() -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return build_fab(buffer.getvalue(), {}, 2**20).content

    assert platform_imports(built()) == ["torch.nn", "sklearn.linear_model"]
    files["app/c.py"] = b"flip.get_dataframe()"
    assert "pandas" in platform_imports(built())

"""Child processes that never outlive us: started in their own group, stopped by pid."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
GRACE_SECONDS = 15.0
KINDS = {"app": "executor.zygote", "SuperLink": "superlink", "SuperNode": "supernode", "PostgreSQL": "postgres"}


class DemoError(Exception):
    """Something a reader can act on; printed without a traceback."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Process:
    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path | None = None
    ) -> "Process":
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            popen = subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us first; we stop children in order
                preexec_fn=_die_with_parent,
            )
        return cls(name, popen, log)

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def check(self) -> None:
        if not self.alive:
            raise DemoError(f"{self.name} ended with code {self.popen.returncode}. Its log, {self.log}:\n{self.tail()}")

    def stop(self) -> None:
        if self.alive:
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def resident_mib(self) -> dict[str, float]:
        """Resident memory of this process and of each below it, by what they are."""
        found: dict[str, float] = {}
        waiting = [(self.popen.pid, self.name)]
        while waiting:
            pid, name = waiting.pop()
            with contextlib.suppress(OSError):  # gone in the meantime
                status = Path(f"/proc/{pid}/status").read_text()
                rss = [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")]
                found[name] = found.get(name, 0) + sum(rss)
                for task in Path(f"/proc/{pid}/task").iterdir():
                    for child in (task / "children").read_text().split():
                        words = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                        kind = next((k for k, mark in KINDS.items() if mark in words), "other")
                        waiting.append((int(child), f"{self.name}: {kind}"))
        return found


def wait_until(what: str, ready, timeout: float, processes: Sequence[Process] = (), every: float = 0.1):
    """Poll `ready()` until it returns something true; say which process died if one did."""
    deadline = time.monotonic() + timeout
    while True:
        for process in processes:
            process.check()
        if value := ready():
            return value
        if time.monotonic() > deadline:
            raise DemoError(f"{what} took longer than {timeout:.0f} s.")
        time.sleep(every)

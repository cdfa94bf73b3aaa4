"""Start one app process. The seam: a warm or sandboxed launcher replaces `ProcessLauncher` behind `Launcher`."""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

PR_SET_PDEATHSIG = 1  # prctl(2)
# Everything an app process inherits; the rest of our environment is not its business.
INHERITED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "CUDA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
)
# resource.prlimit is Linux only, and so is this platform.
OPEN_FILES, FILE_BYTES = 4096, 32 * 2**30


@dataclass(frozen=True)
class AppLaunch:
    """What a child needs to run one task of one app. `token` travels in a file that the child deletes."""

    kind: str  # "serverapp" or "clientapp"
    runtime_api: str
    root_certificates: str | None
    token: str
    folder: Path  # private: working directory, FLWR_HOME and temporary files
    env: Mapping[str, str]
    memory_bytes: int
    keep_folder: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


class Launcher(Protocol):
    def launch(self, launch: AppLaunch) -> "AppProcess":
        """Start it and return at once."""
        ...


@dataclass
class AppProcess:
    popen: subprocess.Popen[bytes]
    launch: AppLaunch

    @property
    def output(self) -> IO[bytes]:
        assert self.popen.stdout is not None
        return self.popen.stdout

    def poll(self) -> int | None:
        return self.popen.poll()

    def kill(self) -> None:
        """End the process and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def clean(self) -> None:
        self.kill()  # whatever it left behind in its group
        if not self.launch.keep_folder:
            shutil.rmtree(self.launch.folder, ignore_errors=True)


class ProcessLauncher:
    """A fresh interpreter per task, in its own session, with a scrubbed environment and limits."""

    def launch(self, launch: AppLaunch) -> AppProcess:
        work = launch.folder / "work"
        for folder in (work, launch.folder / "tmp", launch.folder / "flwr"):
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        order = launch.folder / "order.json"
        descriptor = os.open(order, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as sink:
            json.dump(
                {
                    "kind": launch.kind,
                    "runtime_api": launch.runtime_api,
                    "root_certificates": launch.root_certificates,
                    "token": launch.token,
                    **launch.options,
                },
                sink,
            )
        popen = subprocess.Popen(
            # -I ignores PYTHON* variables, so unbuffered and no bytecode are flags
            [sys.executable, "-I", "-u", "-B", "-m", "flip_fl.executor.child", str(order)],
            cwd=work,
            env=self._environment(launch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_limits(launch.memory_bytes),
        )
        return AppProcess(popen, launch)

    @staticmethod
    def _environment(launch: AppLaunch) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {
            **inherited,
            "HOME": str(launch.folder / "work"),
            "TMPDIR": str(launch.folder / "tmp"),
            "FLWR_HOME": str(launch.folder / "flwr"),
            "FLWR_TELEMETRY_ENABLED": "0",
            "FLWR_DISABLE_UPDATE_CHECK": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **launch.env,
        }


def _limits(memory_bytes: int):
    libc = ctypes.CDLL(None)  # loaded before fork: dlopen after fork may deadlock

    def apply() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        # Data, not address space: frameworks reserve far more addresses than they use.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))

    return apply

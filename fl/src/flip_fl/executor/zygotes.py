"""The launcher: one warm parent (zygote) per run, started in a scrubbed environment with limits, forking per task."""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from flip_fl.executor.launcher import AppLaunch, RunPlace
from flip_fl.executor.zygote import PACKET, PR_SET_PDEATHSIG

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
OPEN_FILES, FILE_BYTES = 4096, 32 * 2**30
KILLED = -signal.SIGKILL


class ZygoteLauncher:
    def __init__(self) -> None:
        self._zygotes: dict[str, ZygoteProcess] = {}
        self._lock = threading.Lock()
        # A process that asks to die with its parent dies with the thread that made it: this thread stays.
        self._spawner = ThreadPoolExecutor(1, "zygote-spawner")

    def prepare(self, place: RunPlace) -> None:
        self._zygote(place)

    def preload(self, run: str, modules: list[str]) -> None:
        with self._lock:
            zygote = self._zygotes.get(run)
        if zygote and modules:
            zygote.send({"preload": modules})

    def launch(self, launch: AppLaunch) -> "ForkedProcess":
        for part in ("work", "tmp", "flwr"):
            (launch.folder / part).mkdir(parents=True, mode=0o700, exist_ok=True)
        return self._zygote(launch.place).launch(launch)

    def release(self, run: str) -> None:
        with self._lock:
            zygote = self._zygotes.pop(run, None)
        if zygote:
            zygote.end()

    def close(self) -> None:
        for run in list(self._zygotes):
            self.release(run)
        self._spawner.shutdown(wait=False)

    def _zygote(self, place: RunPlace) -> "ZygoteProcess":
        with self._lock:
            zygote = self._zygotes.get(place.run)
            if zygote is None or zygote.ended:
                zygote = self._spawner.submit(ZygoteProcess, place).result()
                self._zygotes[place.run] = zygote
            return zygote


class ForkedProcess:
    """One task in a fork of the run's zygote."""

    def __init__(self, launch: AppLaunch, output: IO[bytes], kill: Callable[[], None]):
        self.launch, self.output, self.kill = launch, output, kill
        self._ended = threading.Event()
        self._code = KILLED
        self.finished = False

    def wait(self) -> int:
        self._ended.wait()
        return self._code

    def end(self, code: int, finished: bool = False) -> None:
        if not self._ended.is_set():
            self._code, self.finished = code, finished
            self._ended.set()

    def clean(self) -> None:
        if not (self.launch.keep_folder or self.launch.keep_process):
            shutil.rmtree(self.launch.folder, ignore_errors=True)


class ZygoteProcess:
    """Our end of one zygote: sends it orders, hears which task has ended."""

    def __init__(self, place: RunPlace):
        place.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, (place.folder / "zygote.log").open("ab") as log:
            self._popen = subprocess.Popen(
                # -I ignores PYTHON* variables, so unbuffered and no bytecode are flags
                [sys.executable, "-I", "-u", "-B", "-m", "flip_fl.executor.zygote", str(theirs.fileno()), place.kind],
                cwd=place.folder,
                env=_environment(place),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                preexec_fn=limits(place.memory_bytes),
            )
        self._tasks: dict[int, ForkedProcess] = {}
        self._pids: dict[int, int] = {}
        self._number = 0
        self._lock = threading.Lock()
        self.ended = False
        threading.Thread(target=self._listen, name="zygote-ear", daemon=True).start()

    def launch(self, launch: AppLaunch) -> ForkedProcess:
        reading, writing = os.pipe()
        with self._lock:
            self._number += 1
            task = self._number
            process = ForkedProcess(launch, os.fdopen(reading, "rb"), lambda: self._kill(task))
            self._tasks[task] = process
        try:
            self.send({"task": task, "order": launch.order()}, writing)
        finally:
            os.close(writing)
        return process

    def send(self, message: dict[str, Any], *descriptors: int) -> None:
        with contextlib.suppress(OSError):  # it has ended: the listener tells every task
            socket.send_fds(self._sock, [json.dumps(message).encode()], list(descriptors))

    def _kill(self, task: int) -> None:
        """By ourselves where we know the pid: a hostile app may have stopped the zygote."""
        self.send({"kill": task})
        with self._lock:
            pid = self._pids.get(task)
        if pid:
            _kill_group(pid)

    def _listen(self) -> None:
        while True:
            try:
                data = self._sock.recv(PACKET)
            except OSError:
                data = b""
            if not data:
                break
            message = json.loads(data)
            with self._lock:
                if "pid" in message:
                    self._pids[message["task"]] = message["pid"]
                elif "exit" in message:
                    self._pids.pop(message["task"], None)
                    if process := self._tasks.pop(message["task"], None):
                        process.end(message["exit"], message["finished"])
        self.end()
        self._sock.close()

    def end(self) -> None:
        """End the zygote and all that it started. Its children die with it; what they started is in their groups."""
        with self._lock:
            self.ended = True
            pids, self._pids = list(self._pids.values()), {}
            tasks, self._tasks = list(self._tasks.values()), {}
        for pid in (*pids, self._popen.pid):
            _kill_group(pid)
        self._popen.wait()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        for process in tasks:
            process.end(KILLED)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _environment(place: RunPlace) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        "HOME": str(place.folder),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **place.env,
    }


def limits(memory_bytes: int) -> Callable[[], None]:
    """For `preexec_fn`: die with the parent, no core files, bounded files and data."""
    libc = ctypes.CDLL(None)  # loaded before fork: dlopen after fork may deadlock

    def apply() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        # Data, not address space: frameworks reserve far more addresses than they use.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))

    return apply

"""The launcher: one warm parent (zygote) per run, started in a scrubbed environment with limits, forking per task."""

import base64
import contextlib
import ctypes
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from flip_contracts.sandbox import SandboxLevel
from flip_fl.executor.launcher import AppLaunch, RunPlace
from flip_fl.executor.zygote import PACKET, PR_SET_PDEATHSIG
from flip_fl.sandbox import bwrap, cgroup, syscalls, usage
from flip_fl.sandbox.confine import FILE_BYTES, OPEN_FILES
from flip_fl.sandbox.relay import Relay

# Everything an app process inherits; the rest of our environment is not its business.
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
ZYGOTE = ("-m", "flip_fl.executor.zygote")
KILLED = -signal.SIGKILL
WATCH_SECONDS = 1.0  # between looks at what a run uses
MEMORY_SECONDS = 0.1  # between looks at its memory where no cgroup bounds it
KILL_SECONDS = 2.0  # a zygote that has not ended a task by then has been stopped by the app itself


class ZygoteLauncher:
    def __init__(self, level: SandboxLevel = SandboxLevel.NONE) -> None:
        self.level = level
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
        zygote = self._zygote(launch.place)
        for part in ("", "work", "tmp", "flwr"):
            folder = launch.folder / part
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            zygote.give(folder)
        return zygote.launch(launch)

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
                zygote = self._spawner.submit(ZygoteProcess, place, self.level).result()
                self._zygotes[place.run] = zygote
            return zygote


class ForkedProcess:
    """One task in a fork of the run's zygote."""

    def __init__(self, launch: AppLaunch, output: IO[bytes], kill: Callable[[], None]):
        self.launch, self.output, self.kill = launch, output, kill
        self._ended = threading.Event()
        self._code = KILLED
        self.finished = False
        self.why = ""

    def wait(self) -> int:
        self._ended.wait()
        return self._code

    def end(self, code: int, finished: bool = False, why: str = "") -> None:
        if not self._ended.is_set():
            self._code, self.finished, self.why = code, finished, why
            self._ended.set()

    def clean(self) -> None:
        if not (self.launch.keep_folder or self.launch.keep_process):
            shutil.rmtree(self.launch.folder, ignore_errors=True)


class ZygoteProcess:
    """Our end of one zygote: starts it confined, sends it orders, hears which task has ended."""

    def __init__(self, place: RunPlace, level: SandboxLevel):
        self._place, self._walled = place, level is SandboxLevel.FULL
        reachable = self._walled or all(
            _open_to_all(p) for p in (Path(sys.prefix), Path(sys.base_prefix), place.folder)
        )
        self._uid = _uid_of(place.run) if level is not SandboxLevel.NONE and reachable else None
        place.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        for folder in place.writable:
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            self.give(folder)
        self._tasks: dict[int, ForkedProcess] = {}
        self._pids: dict[int, int] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._relays: list[Relay] = []
        self.ended = False
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # -I ignores PYTHON* variables, so unbuffered and no bytecode are flags
        python = [sys.executable, "-I", "-u", "-B", *ZYGOTE, str(theirs.fileno()), place.kind]
        wall = bwrap.prefix(place) if self._walled else []
        self._cgroup = cgroup.make(f"flip-{place.run}-{place.kind}", place.limits.memory_bytes, place.limits.processes)
        with theirs, (place.folder / "zygote.log").open("ab") as log:
            self._popen = subprocess.Popen(
                [*wall, *python],
                cwd="/",
                env=_environment(place),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                preexec_fn=_before_exec(self._cgroup),
            )
        self.send(self._confinement(level))
        threading.Thread(target=self._listen, name="zygote-ear", daemon=True).start()
        threading.Thread(target=self._watch, name="zygote-watch", daemon=True).start()

    def _confinement(self, level: SandboxLevel) -> dict[str, Any]:
        asked = self._place.limits
        limits = {
            "CORE": 0,
            "NOFILE": OPEN_FILES,
            "FSIZE": min(FILE_BYTES, asked.disk_bytes),
            # Data, not address space: frameworks reserve far more addresses than they use.
            "DATA": asked.memory_bytes,
            "CPU": asked.wall_seconds * (os.cpu_count() or 1),
        }
        if self._walled or self._uid is not None:  # else it would count all that our own user runs
            limits["NPROC"] = asked.processes
        program = syscalls.program() if level is not SandboxLevel.NONE else None
        return {
            "ports": list(self._place.ports) if self._walled else [],
            "alone": self._walled,
            "uid": self._uid,
            "limits": limits,
            "no_new_privileges": level is not SandboxLevel.NONE,
            "filter": base64.b64encode(program).decode() if program else "",
        }

    def give(self, folder: Path) -> None:
        """To the user that the app runs as."""
        if self._uid is not None:
            os.chown(folder, self._uid, self._uid, follow_symlinks=False)

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
        """A hostile app may have stopped the zygote, so not by its word alone."""
        self.send({"kill": task})
        with self._lock:
            pid = self._pids.get(task)
        if pid:
            _kill_group(pid)
        timer = threading.Timer(KILL_SECONDS, self._still_there, (task,))
        timer.daemon = True
        timer.start()

    def _still_there(self, task: int) -> None:
        if task in self._tasks:
            self.end()

    def _listen(self) -> None:
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._sock, PACKET, len(self._place.ports))
            except OSError:
                data, descriptors = b"", []
            if not data:
                break
            message = json.loads(data)
            for descriptor, port in zip(descriptors, self._place.ports, strict=True) if descriptors else ():
                relay = Relay(socket.socket(fileno=descriptor), port)
                self._relays.append(relay)
                relay.start()
            with self._lock:
                if "pid" in message and not self._walled:  # in there it has another number
                    self._pids[message["task"]] = message["pid"]
                elif "exit" in message:
                    self._pids.pop(message["task"], None)
                    if process := self._tasks.pop(message["task"], None):
                        process.end(message["exit"], message["finished"], self._killed_by())
        self.end()
        self._sock.close()

    def _killed_by(self) -> str:
        return _out_of_memory(self._place) if self._cgroup and self._cgroup.out_of_memory() else ""

    def _watch(self) -> None:
        """What no kernel limit bounds for the run as a whole."""
        limits, group = self._place.limits, self._cgroup
        counted = group is not None and group.bounds_memory
        disk_at = time.monotonic()
        while not self.ended:
            time.sleep(WATCH_SECONDS if counted else MEMORY_SECONDS)
            if self._used_up_memory(counted):
                self.end(_out_of_memory(self._place))
            elif time.monotonic() >= disk_at:
                disk_at = time.monotonic() + WATCH_SECONDS
                if usage.disk_bytes(self._place.writable) > limits.disk_bytes:
                    self.end(f"the app wrote more than its {_gib(limits.disk_bytes)} of disk and was ended")

    def _used_up_memory(self, counted: bool) -> bool:
        if counted:
            group = self._cgroup
            return bool(group and group.out_of_memory())  # the kernel ended one process: what is left is of no use
        limit = self._place.limits.memory_bytes
        return usage.memory_bytes(self._popen.pid, limit) > limit

    def end(self, why: str = "") -> None:
        """End the zygote and all that it started. Its children die with it; what they started is in their groups, and
        behind the wall everything ends with the namespace's first process."""
        with self._lock:
            self.ended = True
            pids, self._pids = list(self._pids.values()), {}
            tasks, self._tasks = list(self._tasks.values()), {}
            relays, self._relays = self._relays, []
            group, self._cgroup = self._cgroup, None
        if not why and tasks and group and group.out_of_memory():
            why = _out_of_memory(self._place)
        for pid in (*pids, self._popen.pid):
            _kill_group(pid)
        self._popen.wait()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        for relay in relays:
            relay.close()
        if group:
            group.close()
        for process in tasks:
            process.end(KILLED, why=why)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _environment(place: RunPlace) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        "HOME": "/tmp",  # each task gets its own
        "USER": "flip",
        "LOGNAME": "flip",
        "CUDA_VISIBLE_DEVICES": place.gpus,
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **place.env,
    }


def _uid_of(run: str) -> int | None:
    """Root gives each run a number that no account has; anyone else has only his own."""
    if os.geteuid() != 0:
        return None
    spans = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    wanted = 0x40000000 + int.from_bytes(hashlib.sha256(run.encode()).digest()[:3], "big")
    if any(start <= wanted < start + count for start, _, count in spans):
        return wanted
    return 65534 if any(start <= 65534 < start + count for start, _, count in spans) else None


def _open_to_all(place: Path) -> bool:
    """Without a namespace of its own another user needs the way there, too."""
    existing = (folder for folder in (place, *place.parents) if folder.exists())
    return all(folder.stat().st_mode & 0o001 for folder in existing)


def _before_exec(group: "cgroup.Cgroup | None") -> Callable[[], None]:
    die = die_with_parent()

    def apply() -> None:
        die()
        # When memory runs out the kernel ends an app first; root says so for good, others until the app takes it back.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        if group:
            group.enter()

    return apply


def die_with_parent() -> Callable[[], None]:
    """For `preexec_fn`. The C library is loaded before the fork: dlopen after it may deadlock."""
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _out_of_memory(place: RunPlace) -> str:
    return f"the app used more than its {_gib(place.limits.memory_bytes)} of memory and was ended"


def _gib(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"

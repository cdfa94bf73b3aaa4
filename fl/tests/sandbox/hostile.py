"""What a stranger's app might try, one function each; every one is bounded in count and time, and hits only its own.

It takes the place of the probe's attacks inside a real sandbox: `perform` is called in the forked task.
"""

import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from flip_fl.executor.end import EndOfTask

BOMB_COUNT = 400  # more than any limit of the tests, less than would hurt a machine
BOMB_BYTES = 600 * 2**20


def install(kind: str) -> None: ...


def perform(kind: str, order: dict[str, Any]) -> None:
    facts = json.loads(order["token"])
    print(json.dumps(globals()[facts.pop("attack")](**facts)), flush=True)
    raise EndOfTask(0)


def read_files(paths: list[str]) -> list[str]:
    """Those that can be read or listed: the node's key, another run's folder, the host's accounts, tokens of others."""
    got = []
    for path in paths:
        try:
            _ = os.listdir(path) if Path(path).is_dir() else Path(path).read_bytes()
            got.append(path)
        except OSError:
            continue
    return got


def look_around(secret: str) -> dict[str, Any]:
    """The environment and memory of every process in sight, and what names it, searched for a secret of the node."""
    found, processes = [], []
    for folder in Path("/proc").glob("[0-9]*"):
        processes.append(int(folder.name))
        for name in ("environ", "cmdline"):
            try:
                if secret.encode() in (folder / name).read_bytes():
                    found.append(f"{folder.name}/{name}")
            except OSError:
                continue
    return {"found": found, "processes": processes, "environment": sorted(os.environ)}


def connect(ports: list[int]) -> list[int]:
    """Those on loopback that answer: hub, FL API, another trust's data API."""
    got = []
    for port in ports:
        with socket.socket() as sock:
            sock.settimeout(2)
            if sock.connect_ex(("127.0.0.1", port)) == 0 and sock.recv(16):
                got.append(port)
    return got


def networks() -> dict[str, Any]:
    """Kinds of socket beyond TCP on loopback, and a way out. Nothing is sent."""
    kinds = {}
    for name, family, kind in (
        ("raw", socket.AF_INET, socket.SOCK_RAW),
        ("packet", 17, socket.SOCK_RAW),
        ("netlink", 16, 3),
    ):
        try:
            socket.socket(family, kind).close()
            kinds[name] = True
        except OSError:
            kinds[name] = False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return {
            **kinds,
            "route": sock.connect_ex(("192.0.2.1", 9)) == 0,
            "interfaces": sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else [],
        }


def fork_bomb() -> int:
    """How many children it got; each only sleeps and all end with the namespace."""
    made = 0
    for _ in range(BOMB_COUNT):
        try:
            if os.fork() == 0:
                os.setsid()  # out of the task's group
                time.sleep(40)
                os._exit(0)
            made += 1
        except OSError:
            break
    return made


def memory_bomb(children: int) -> int:
    """In this process, or in several at once that each stay below the limit of one; all is held until the end comes.

    Mapped as shared: a limit of data counts only what is private.
    """
    share = BOMB_BYTES if children == 0 else 150 * 2**20
    for _ in range(children):
        if os.fork() == 0:
            _fill_and_hold(share)
    if children == 0:
        _fill_and_hold(share)
    time.sleep(40)
    return children


def _fill_and_hold(size: int) -> None:
    held = []
    for _ in range(size // 2**22):
        held.append(mmap.mmap(-1, 2**22))
        held[-1].write(b"x" * 2**22)
    time.sleep(40)
    os._exit(0)


def data_bomb() -> int:
    """MiB of private memory that it may ask for; none of it is touched, so it is not the use of it that is refused."""
    held = []
    try:
        while len(held) < BOMB_BYTES // 2**22:
            held.append(mmap.mmap(-1, 2**22, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    except OSError:
        return len(held) * 4
    return len(held) * 4


def shared_files() -> int:
    """MiB written to /dev/shm, mapped by nobody."""
    written = 0
    with open("/dev/shm/fill", "wb", buffering=0) as file:
        try:
            while written < BOMB_BYTES:
                written += file.write(b"x" * 2**22)
        except OSError:
            return written // 2**20
    return written // 2**20


def disk_fill(megabytes: int) -> int:
    """In several files, then waits to be ended."""
    written = 0
    for number in range(megabytes // 4):
        Path(f"fill-{number}").write_bytes(b"x" * 2**22)
        written += 4
    time.sleep(40)
    return written


def endless_loop() -> int:
    ends = time.monotonic() + 30  # a test that fails must end, too
    while time.monotonic() < ends:
        pass
    return 1


def stop_the_parent() -> int:
    """The zygote is of the same user: stop it, so that it cannot do what the node tells it."""
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(40)
    return 1


def daemon() -> int:
    """Leaves a process behind that has left its group and session."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(40)
        os._exit(0)
    return 1


def count_processes() -> int:
    return len(list(Path("/proc").glob("[0-9]*")))


def tamper(places: list[str]) -> list[str]:
    """Write into the platform, the system, its own code cache's neighbours."""
    done = []
    for place in places:
        try:
            Path(place).open("ab").close()
            done.append(place)
        except OSError:
            continue
    return done


def kernel_doors() -> dict[str, str]:
    """System calls that open the kernel or others; the error's name each, `ok` where it was let through."""
    libc = ctypes.CDLL(None, use_errno=True)
    calls = {
        "ptrace": lambda: libc.ptrace(0x4206, os.getppid(), 0, 0),
        "unshare": lambda: libc.unshare(0x10000000),
        "mount": lambda: libc.mount(b"none", b"/", b"flip-no-such-kind", 0, None),
        "keyctl": lambda: libc.syscall({"x86_64": 250, "aarch64": 219}[os.uname().machine], 0, -3, 0),
        "setuid": lambda: libc.setuid(0),
        "chroot": lambda: libc.chroot(b"/"),
    }
    outcome = {}
    for name, call in calls.items():
        ctypes.set_errno(0)
        outcome[name] = "ok" if call() >= 0 else errno.errorcode[ctypes.get_errno()]
    outcome["clone"] = _namespace_by_clone(libc)
    return outcome


def _namespace_by_clone(libc: Any) -> str:
    number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    ctypes.set_errno(0)
    pid = libc.syscall(number, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
        return "ok"
    return errno.errorcode[ctypes.get_errno()]


def fine() -> str:
    return f"{sys.version_info[0]}"

"""The probe's attacks: a task tries to get out, as a stranger's app would.

Each is one call that changes nothing even where it succeeds: it is tried where there may be no wall.
"""

import ctypes
import errno
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flip_fl.executor.end import EndOfTask

CLONE_NEWUSER, PTRACE_SEIZE, PTRACE_DETACH = 0x10000000, 0x4206, 17
_libc = ctypes.CDLL(None, use_errno=True)


def install(kind: str) -> None: ...


def perform(kind: str, order: dict[str, Any]) -> None:
    facts = {"pid": os.environ["PROBE_PID"], "file": os.environ["PROBE_FILE"], "port": os.environ["PROBE_PORT"]}
    outcome = {name: _succeeds(attack, facts) for name, attack in ATTACKS.items()}
    outcome["door"] = _succeeds(_reach(int(os.environ["PROBE_DOOR"])), facts)  # must succeed: the wall has this one
    print(json.dumps(outcome), flush=True)
    raise EndOfTask(0)


def _succeeds(attack: "Callable[[dict[str, str]], bool]", facts: dict[str, str]) -> bool:
    try:
        return attack(facts)
    except (OSError, ValueError):
        return False


def _reach(port: int) -> Callable[[dict[str, str]], bool]:
    def attempt(_: dict[str, str]) -> bool:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as sock:
            return sock.recv(16) == b"flip"

    return attempt


def _read_file(facts: dict[str, str]) -> bool:
    return bool(Path(facts["file"]).read_bytes())


def _see_process(facts: dict[str, str]) -> bool:
    """The launcher's own: its arguments, environment and open files hold tokens."""
    same = os.readlink("/proc/self/ns/pid") == os.environ["PROBE_PIDNS"]
    return same and bool(Path(f"/proc/{facts['pid']}/cmdline").read_bytes())


def _signal(facts: dict[str, str]) -> bool:
    # Inside a PID namespace the number may be one of our own: a signal there is no escape.
    same = os.readlink("/proc/self/ns/pid") == os.environ["PROBE_PIDNS"]
    os.kill(int(facts["pid"]), 0)
    return same


def _environment(_: dict[str, str]) -> bool:
    return "FLIP_PROBE_MARK" in os.environ


def _connect(facts: dict[str, str]) -> bool:
    return _reach(int(facts["port"]))(facts)


def _route_out(_: dict[str, str]) -> bool:
    """A datagram socket that finds a route would find one for a packet; nothing is sent. 192.0.2.1 is nobody's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))
        return True


def _write_system(_: dict[str, str]) -> bool:
    return any(os.access(folder, os.W_OK) for folder in ("/usr", "/etc", str(Path(__file__).parent)))


def _be_root(_: dict[str, str]) -> bool:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    return os.geteuid() == 0 or int(status["CapEff"], 16) != 0 or int(status["CapPrm"], 16) != 0


def _gain_privileges(_: dict[str, str]) -> bool:
    return "NoNewPrivs:\t1" not in Path("/proc/self/status").read_text()


def _new_namespace(_: dict[str, str]) -> bool:
    return _in_child(lambda: _libc.unshare(CLONE_NEWUSER) == 0)


def _mount(_: dict[str, str]) -> bool:
    """A file system of no known kind, so that nothing is ever mounted: who may not mount is told that first."""
    ctypes.set_errno(0)
    _libc.mount(b"none", b"/", b"flip-no-such-kind", 0, None)
    return ctypes.get_errno() != errno.EPERM


def _trace(_: dict[str, str]) -> bool:
    """Another process of the same app, which holds the next message's token."""
    ctypes.set_errno(0)
    parent = os.getppid()
    done = _libc.ptrace(PTRACE_SEIZE, parent, 0, 0)
    if done == 0:
        _libc.ptrace(PTRACE_DETACH, parent, 0, 0)
    return done == 0 or ctypes.get_errno() not in (errno.EPERM, errno.ESRCH, errno.EACCES)


def _in_child(attempt: Callable[[], bool]) -> bool:
    pid = os.fork()
    if pid == 0:
        signal.alarm(5)
        try:
            done = attempt()
        except OSError:
            done = False
        os._exit(1 if done else 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


ATTACKS: dict[str, Callable[[dict[str, str]], bool]] = {
    "read a file of this machine": _read_file,
    "see other processes": _see_process,
    "signal other processes": _signal,
    "read the node's environment": _environment,
    "connect to this machine": _connect,
    "find a way to a network": _route_out,
    "write to the system": _write_system,
    "be root": _be_root,
    "gain privileges": _gain_privileges,
    "make a namespace": _new_namespace,
    "mount": _mount,
    "trace a process": _trace,
}
# Those that the lower level stops without namespaces.
WITHOUT_NAMESPACES = frozenset(
    {"read the node's environment", "gain privileges", "make a namespace", "mount", "trace a process"}
)

"""Inside the zygote, before anything else is loaded: doors are opened, privileges dropped, limits and filter set.

What is set here is inherited by every fork and cannot be taken back by any of them.
"""

import base64
import ctypes
import os
import resource
import socket
from pathlib import Path
from typing import Any

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 38, 22, 2  # prctl(2)
OPEN_FILES, FILE_BYTES = 4096, 32 * 2**30
_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """`struct sock_fprog` of seccomp(2)."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def confine(order: dict[str, Any], sock: socket.socket) -> None:
    """Raises `OSError` where the kernel refuses: a wall that cannot be built must not look like one."""
    if order["ports"]:
        _open_doors(order["ports"], sock)
    if (uid := order["uid"]) is not None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        _prctl(PR_SET_DUMPABLE, 1)  # a changed uid hides /proc/self from ourselves
    elif order["no_new_privileges"] and os.geteuid() == 0:
        _drop_capabilities()
    for name, value in order["limits"].items():
        limit = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    if order["no_new_privileges"]:
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        if order["filter"]:
            code = base64.b64decode(order["filter"])
            program = _Program(len(code) // 8, code)  # a name keeps it alive while the kernel reads it
            _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _open_doors(ports: list[int], sock: socket.socket) -> None:
    """A socket belongs to the network it was made in: we listen in here, and the launcher accepts out there."""
    doors = []
    for port in ports:
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", port))
        door.listen(64)
        doors.append(door)
    socket.send_fds(sock, [b'{"doors": true}'], [door.fileno() for door in doors])
    for door in doors:
        door.close()


def _drop_capabilities() -> None:
    """For root whose Python no other user can reach: he keeps his name and loses his rights. capset(2), version 3."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if _libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def in_own_process_space() -> bool:
    """True in the PID namespace that bubblewrap made for this run, where a signal to all reaches nobody else."""
    try:
        return os.getpid() == 2 and os.getppid() == 1 and Path("/proc/1/comm").read_text().strip() == "bwrap"
    except OSError:
        return False


def _prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(v) for v in (*values, 0, 0, 0, 0)[:4]]
    if _libc.prctl(option, *arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")

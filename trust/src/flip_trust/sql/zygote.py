"""Our end of the process that forks one child per query: start it, hand it an order, read the answer."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
import weakref

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}  # a fork wants no threads


class Zygote:
    """Started at the first order, again if it has died; it ends when this object or this process does."""

    def __init__(self, module: str):
        self._module, self._lock = module, threading.Lock()
        self._control: socket.socket | None = None

    def ask(self, order: bytes, seconds: float) -> bytes | None:
        """What the fork wrote until it ended, or None if it wrote on for longer than `seconds`."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs)
            deadline, told = time.monotonic() + seconds, bytearray()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died: what it told says so
                ours.sendall(order)
                ours.shutdown(socket.SHUT_WR)
                while True:
                    ours.settimeout(max(deadline - time.monotonic(), 0.001))
                    try:
                        piece = ours.recv(1 << 20)
                    except TimeoutError:
                        return None
                    if not piece:
                        break
                    told += piece
            return bytes(told)

    def _hand_over(self, theirs: socket.socket) -> None:
        with self._lock:
            if self._control is None:
                self._control = self._start()
            try:
                socket.send_fds(self._control, [b"."], [theirs.fileno()])
            except OSError:
                self._control.close()
                self._control = self._start()
                socket.send_fds(self._control, [b"."], [theirs.fileno()])

    def _start(self) -> socket.socket:
        control, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", self._module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
            )
        weakref.finalize(self, _end, control, process)
        return control


def _end(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()  # it reads the end and leaves
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
        return
    process.kill()
    process.wait()

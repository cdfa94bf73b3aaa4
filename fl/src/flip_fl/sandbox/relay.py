"""The only way out of a sandbox: connections accepted on a door inside it, joined to the same port outside."""

import contextlib
import os
import socket
import threading

PIPE_BYTES = 2**20
F_SETPIPE_SZ = 1031


class Relay(threading.Thread):
    """One door. Bytes go from socket to socket inside the kernel; TLS and tokens are the two ends' business."""

    def __init__(self, door: socket.socket, port: int):
        super().__init__(name=f"relay-{port}", daemon=True)
        self._door, self._port = door, port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def run(self) -> None:
        while True:
            try:
                inside, _ = self._door.accept()
            except OSError:  # closed
                return
            try:
                outside = socket.create_connection(("127.0.0.1", self._port), timeout=5)
            except OSError:
                inside.close()
                continue
            outside.settimeout(None)
            for end in (inside, outside):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {inside, outside}
            ways = [
                threading.Thread(target=_pump, args=way, daemon=True) for way in ((inside, outside), (outside, inside))
            ]
            threading.Thread(target=self._both, args=(ways, inside, outside), name="relay", daemon=True).start()

    def _both(self, ways: list[threading.Thread], *ends: socket.socket) -> None:
        for way in ways:
            way.start()
        for way in ways:
            way.join()
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            end.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._door.close()
        with self._lock:
            ends = list(self._open)
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket) -> None:
    import fcntl

    reading, writing = os.pipe()
    try:
        with contextlib.suppress(OSError):
            fcntl.fcntl(writing, F_SETPIPE_SZ, PIPE_BYTES)
        while moved := os.splice(source.fileno(), writing, PIPE_BYTES):
            while moved:
                moved -= os.splice(reading, target.fileno(), moved)
    except OSError:
        pass
    finally:
        os.close(reading)
        os.close(writing)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

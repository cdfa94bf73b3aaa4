"""The only way out of a sandbox: connections accepted on a door inside it, joined to the same port outside."""

import contextlib
import os
import socket
import threading
import time

PIPE_BYTES = 2**20
AWAY_SECONDS, LOOK_SECONDS = 30.0, 0.1
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
            with self._lock:
                self._open.add(inside)
            threading.Thread(target=self._both, args=(inside,), name="relay", daemon=True).start()

    def _outside(self, inside: socket.socket) -> socket.socket | None:
        """Whoever is outside may be being started again. A connection that was opened and closed at once would look
        like a broken TLS to Flower, which it does not try again; one that waits is only slow."""
        for _ in range(int(AWAY_SECONDS / LOOK_SECONDS)):
            try:
                return socket.create_connection(("127.0.0.1", self._port), timeout=5)
            except OSError:
                time.sleep(LOOK_SECONDS)
            if _gave_up(inside):
                return None
        return None

    def _both(self, inside: socket.socket) -> None:
        outside = self._outside(inside)
        if outside is None:
            with self._lock:
                self._open.discard(inside)
            return inside.close()
        outside.settimeout(None)
        ends = (inside, outside)
        for end in ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {outside}
        ways = [threading.Thread(target=_pump, args=way, daemon=True) for way in (ends, ends[::-1])]
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


def _gave_up(inside: socket.socket) -> bool:
    """Whoever is inside has closed his end. What he has sent already stays where it is."""
    try:
        return inside.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


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

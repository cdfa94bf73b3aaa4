"""A network that can be cut: bytes stop, nobody is told, and connections hang, as behind a firewall that drops."""

import contextlib
import socket
import threading


class Network:
    """Between a trust and a SuperLink on this machine; `address` is what the trust dials."""

    def __init__(self, port: int):
        self._port = port
        self._there = threading.Event()
        self._there.set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._there.clear()

    def mend(self) -> None:
        self._there.set()

    def close(self) -> None:
        self._there.set()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                self._there.wait()
                far = socket.create_connection(("127.0.0.1", self._port))
                for way in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=way, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._there.wait()
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

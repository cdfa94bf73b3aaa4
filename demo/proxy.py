"""An HTTP proxy between a trust and its hub, as hospitals have them, for those who try the way through one."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Leads CONNECT on, or answers with `status`."""

    def __init__(self) -> None:
        self.status, self.login = 200, ""
        self.connects: list[str] = []

    @contextmanager
    def serving(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
            yield listening.getsockname()[1]
            listening.shutdown(socket.SHUT_RDWR)  # closing alone would not wake the thread that accepts

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                opened, _ = listening.accept()
                threading.Thread(target=self._lead, args=(opened,), daemon=True).start()

    def _lead(self, opened: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += opened.recv(4096)
        target = head.split()[1].decode()
        self.connects.append(target)
        status = self.status
        if self.login and f"Basic {self.login}".encode() not in head:
            status = 407
        opened.sendall(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode())
        if status != 200:
            opened.close()
            return
        host, _, port = target.rpartition(":")
        onward = socket.create_connection((host, int(port)))
        threading.Thread(target=self._pump, args=(opened, onward), daemon=True).start()
        self._pump(onward, opened)

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while part := one.recv(65536):
                other.sendall(part)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)

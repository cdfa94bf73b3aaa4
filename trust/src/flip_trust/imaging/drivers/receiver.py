"""Receives what a PACS sends after a C-MOVE.

We listen ourselves, on the address of the settings, and only while a C-MOVE is going on; who is not the PACS is turned
away. Each connection is handed to a dcmtk `storescp` of its own, as inetd would do it, since storescp alone listens on
every address for everybody. It writes files as they come, with an eighth of the CPU that Python needs for it.
"""

import contextlib
import ctypes
import logging
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from flip_trust.imaging.drivers.faults import Fault, PacsFault
from flip_trust.imaging.drivers.settings import PacsSettings

log = logging.getLogger(__name__)
_PDU = 131072
_PR_SET_PDEATHSIG = 1
_SETTLE_SECONDS = 10.0  # for an association that outlives the C-MOVE's last answer


class Arrivals:
    """What came in the course of one C-MOVE."""

    least_free = 64 * 2**20

    def __init__(self, folder: Path):
        self.folder, self.connections, self.refused = folder, 0, 0
        self.children: list[subprocess.Popen[bytes]] = []

    def files(self) -> list[Path]:
        """Whole files, sorted. storescp answers a C-STORE once its file is written, and ends with its association."""
        for child in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_SETTLE_SECONDS)
        return sorted(file for file in self.folder.rglob("*") if file.is_file())


class Receiver:
    def __init__(self, settings: PacsSettings, scratch: Path):
        self._settings, self._scratch = settings, scratch
        self._now: Arrivals | None = None
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None

    @contextlib.contextmanager
    def expecting(self) -> Iterator[Arrivals]:
        """Lets the PACS in meanwhile. Not for two at a time."""
        self._listen()
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        arrivals = Arrivals(folder)
        with self._lock:
            self._now = arrivals
        try:
            yield arrivals
        finally:
            with self._lock:
                self._now = None
            for child in arrivals.children:
                if child.poll() is None:
                    child.kill()
                child.wait()
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        with self._lock:
            listening, self._listening = self._listening, None
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes accept()
            listening.close()

    def _listen(self) -> None:
        """From the first C-MOVE on: a test of the settings, or another command, must not take the port."""
        if shutil.which("storescp") is None:
            raise PacsFault(Fault.RECEIVER)
        with self._lock:
            if self._listening is not None:
                return
            try:
                family = socket.AF_INET6 if ":" in self._settings.receive_host else socket.AF_INET
                listening = socket.create_server(
                    (self._settings.receive_host, self._settings.receive_port), family=family
                )
            except OSError:
                raise PacsFault(Fault.RECEIVER) from None
            self._listening = listening
            # The port is ours, so nobody else works here: what lies about is a killed process's, not de-identified.
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch.mkdir(parents=True, mode=0o700)
        threading.Thread(target=self._accept_forever, args=(listening,), name="pacs-receiver", daemon=True).start()

    def _allowed(self) -> set[str]:
        names = self._settings.receive_from or [self._settings.host]
        found: set[str] = set()
        for name in names:
            with contextlib.suppress(socket.gaierror):
                found |= {str(info[4][0]) for info in socket.getaddrinfo(name, None)}
        return found

    def _accept_forever(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, peer = listening.accept()
            except OSError:
                return  # closed
            with connection:
                allowed = str(peer[0]).removeprefix("::ffff:") in self._allowed()
                with self._lock:
                    arrivals = self._now
                    if arrivals is None:
                        continue
                    if not allowed:
                        arrivals.refused += 1
                        log.warning("a connection to the receive port came from elsewhere than the PACS: turned away")
                        continue
                    arrivals.connections += 1
                    # With Nagle's algorithm each instance would take 50 ms more.
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    arrivals.children.append(self._storescp(connection, arrivals.folder))

    def _storescp(self, connection: socket.socket, folder: Path) -> subprocess.Popen[bytes]:
        settings = self._settings
        own = Path(tempfile.mkdtemp(dir=folder))  # two associations may send files of one name
        command = ["storescp", "--inetd", "--bit-preserving", "--promiscuous", "+xa", "--max-pdu", str(_PDU)]
        command += ["--aetitle", settings.our_aet, "--output-directory", str(own)]
        if settings.tls:
            command += ["+tls", str(settings.tls_key), str(settings.tls_cert)]
            command += (
                ["+cf", str(settings.tls_ca), "--require-peer-cert"] if settings.tls_ca else ["--ignore-peer-cert"]
            )
        libc = ctypes.CDLL(None)
        environment = {"PATH": os.environ.get("PATH", ""), "TCP_NODELAY": "1", "LC_ALL": "C"}
        for name in ("DCMDICTPATH", "FLIP_CI_MARKER"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return subprocess.Popen(
            [*command, "104"],  # the port is not used with --inetd
            stdin=connection.fileno(),
            stdout=subprocess.DEVNULL,  # it names patients
            stderr=subprocess.DEVNULL,
            cwd=own,
            env=environment,
            preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        )

"""Debian's Orthanc as a PACS to test and measure against. It listens on every address, so it gets a network of its own.

That network is a namespace with one cable (veth) to ours: only this machine reaches it. Needs root, iproute2 and the
packages orthanc, orthanc-dicomweb, orthanc-gdcm; `missing()` says what is not there. HTTPS is stunnel's in front of it,
as a hospital's proxy would be: Debian's Orthanc ends with a segmentation fault at the first TLS handshake.
"""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PLUGINS = Path("/usr/share/orthanc/plugins")
USER, PASSWORD = "flip", "a password"
HTTP_PORT, HTTPS_PORT, DICOM_PORT = 8042, 8443, 4242  # in its own network, so no other program can have them
AET = "ORTHANC"
_number = itertools.count()


def missing() -> str:
    """Why Orthanc cannot be started here, or ''."""
    if os.geteuid() != 0:
        return "a network namespace with a cable to ours needs root"
    for program, package in (
        ("Orthanc", "orthanc"),
        ("ip", "iproute2"),
        ("storescp", "dcmtk"),
        ("stunnel", "stunnel4"),
    ):
        if not shutil.which(program):
            return f"{program} is not installed (apt-get install {package})"
    for plugin, package in (("libOrthancDicomWeb.so", "orthanc-dicomweb"), ("libOrthancGdcm.so", "orthanc-gdcm")):
        if not (PLUGINS / plugin).exists():
            return f"{plugin} is not installed (apt-get install {package})"
    made = subprocess.run(["ip", "netns", "add", probe := f"flip-probe-{os.getpid()}"], capture_output=True)
    if made.returncode:
        return "this machine does not allow a network namespace"
    subprocess.run(["ip", "netns", "delete", probe], check=True)
    return ""


class Network:
    """A namespace, and the ends of the cable to it: `ours` and `theirs`. `nobody` is an address without a machine."""

    def __init__(self) -> None:
        self.name = f"flip-{os.getpid()}-{next(_number)}"
        near, far = (f"fl{os.getpid() % 10**6}{end}{next(_number)}" for end in "ab")
        _ip("netns", "add", self.name)
        try:
            for _ in range(50):  # another process may have drawn the same addresses
                base = f"10.213.{random.randrange(256)}.{random.randrange(32) * 8}".rsplit(".", 1)
                hosts = [f"{base[0]}.{int(base[1]) + n}" for n in (1, 2, 3)]
                if f"{base[0]}.{base[1]}/29" not in _ip("-o", "route"):
                    break
            self.ours, self.theirs, self.nobody = hosts
            _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", self.name)
            _ip("address", "add", f"{self.ours}/29", "dev", near)
            _ip("link", "set", near, "up")
            for command in (
                ["address", "add", f"{self.theirs}/29", "dev", far],
                ["link", "set", far, "up"],
                ["link", "set", "lo", "up"],
            ):
                _ip("-n", self.name, *command)
        except subprocess.CalledProcessError:
            self.close()
            raise

    def close(self) -> None:
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)  # the cable goes with it


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


@dataclass
class Orthanc:
    """`config`: more settings of Orthanc's. `https`: PEM files, a certificate with its key, the clients' authority."""

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    https: tuple[Path, Path] | None = None
    nodelay: bool = True
    network: Network = field(default_factory=Network)
    _process: subprocess.Popen[bytes] | None = None
    _stunnel: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the REST API; DICOMweb is below /dicom-web, with `https` at `secure_url`."""
        return f"http://{self.network.theirs}:{HTTP_PORT}"

    @property
    def secure_url(self) -> str:
        return f"https://{self.network.theirs}:{HTTPS_PORT}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {
            "Name": AET,
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "Plugins": [str(PLUGINS / "libOrthancDicomWeb.so"), str(PLUGINS / "libOrthancGdcm.so")],
            "HttpPort": HTTP_PORT,
            "DicomPort": DICOM_PORT,
            "DicomAet": AET,
            "DicomCheckCalledAet": True,
            "RemoteAccessAllowed": True,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomAlwaysAllowEcho": False,
            "DicomAlwaysAllowStore": False,
            "DicomAlwaysAllowFind": False,
            "DicomAlwaysAllowGet": False,
            "DicomAlwaysAllowMove": False,
            "SynchronousCMove": True,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            **self.config,
        }
        file = self.folder / "orthanc.json"
        file.write_text(json.dumps(settings))
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        if self.nodelay:
            environment["TCP_NODELAY"] = "1"  # without it each instance takes 50 ms more
        self._process = self._run("Orthanc", str(file), env=environment)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if self.rest().get("/system").status_code == 200:
                    break
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Orthanc did not start:\n{(self.folder / 'orthanc.log').read_text()[-2000:]}")
            time.sleep(0.1)
        if self.https is not None and self._stunnel is None:
            self._start_stunnel(*self.https)

    def _run(self, *command: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
        there = ["ip", "netns", "exec", self.network.name]
        with (self.folder / "orthanc.log").open("ab") as log:
            return subprocess.Popen([*there, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)

    def _start_stunnel(self, bundle: Path, clients: Path) -> None:
        file = self.folder / "stunnel.conf"
        file.write_text(
            f"foreground = yes\npid =\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n[pacs]\n"
            f"accept = {self.network.theirs}:{HTTPS_PORT}\nconnect = {self.network.theirs}:{HTTP_PORT}\n"
            f"cert = {bundle}\nCAfile = {clients}\nverifyChain = yes\n"
        )
        self._stunnel = self._run("stunnel", str(file), env=dict(os.environ))

    def rest(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, auth=(USER, PASSWORD), timeout=60, trust_env=False)

    def modality(self, aet: str, port: int, **allowed: Any) -> None:
        """Makes our AE title known, reachable at `port`."""
        may = dict.fromkeys(("AllowEcho", "AllowFind", "AllowGet", "AllowMove", "AllowStore"), True)
        body = {"AET": aet, "Host": self.network.ours, "Port": port, **may, **allowed}
        self.rest().put(f"/modalities/{aet.lower()}", json=body).raise_for_status()

    def upload(self, files: Iterable[Path]) -> None:
        with self.rest() as client, ThreadPoolExecutor(4) as pool:
            for answer in pool.map(lambda file: client.post("/instances", content=file.read_bytes()), files):
                answer.raise_for_status()

    def kill(self) -> None:
        """Like a power cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        if self._stunnel is not None:
            self._stunnel.kill()
            self._stunnel.wait()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        self.network.close()

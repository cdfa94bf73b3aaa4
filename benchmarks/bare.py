"""Flower alone, as its documentation starts it: one SuperLink and two SuperNodes, TLS, node authentication, SQLite."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.cli.build import build_fab_from_files
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import (
    ListNodesRequest,
    ListRunsRequest,
    RegisterNodeRequest,
    StartRunRequest,
    StreamLogsRequest,
)
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.fab import Fab
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from memory import below, children, command

from flip_fl.pki import ensure_pki
from flip_fl.serve import OFFLINE

BIN = Path(sys.executable).parent


@dataclass
class BareNet:
    root: Path
    superlink: subprocess.Popen
    control: Any
    nodes: list[subprocess.Popen] = field(default_factory=list)

    def roles(self) -> dict[str, list[int]]:
        tree = children()
        found: dict[str, list[int]] = {"SuperLink": [self.superlink.pid], "SuperNode": [n.pid for n in self.nodes]}
        server, client = below(self.superlink.pid, tree), [p for n in self.nodes for p in below(n.pid, tree)]
        found["ServerApp"] = [p for p in server if "flwr-serverapp" in command(p)]
        found["ClientApp"] = [p for p in client if "flwr-clientapp" in command(p)]
        found["hub"] = [self.superlink.pid, *server]
        first = self.nodes[0].pid
        found["one trust"] = [first, *below(first, tree)]
        return found

    def run(self, files: dict[str, bytes], timeout: float, **run_config: int) -> tuple[float, str, str]:
        """Returns the time of the start call, what the ServerApp printed, what the ClientApps printed."""
        fab, _ = build_fab_from_files(files)
        sent = Fab(hashlib.sha256(fab).hexdigest(), fab, {})
        started = time.time()
        run_id = self.control.StartRun(
            StartRunRequest(fab=fab_to_proto(sent), override_config=user_config_to_proto(run_config), federation="")
        ).run_id
        deadline = time.monotonic() + timeout
        while (status := self.control.ListRuns(ListRunsRequest(run_id=run_id)).run_dict[run_id].status).status != (
            "finished"
        ):
            if time.monotonic() > deadline:
                raise TimeoutError(f"The bare run did not end within {timeout:.0f} s; its files are in {self.root}.")
            time.sleep(0.5)
        lines = "".join(m.log_output for m in self.control.StreamLogs(StreamLogsRequest(run_id=run_id)))
        if status.sub_status != "completed":
            raise RuntimeError(f"The bare run ended as {status.sub_status}: {status.details}\n{lines}")
        return started, lines, "".join(p.read_text() for p in sorted(self.root.glob("node-*.log")))


@contextmanager
def bare_net(root: Path, ports: list[int], trusts: list[str]) -> Iterator[BareNet]:
    """`ports`: one for the SuperLink, then one per SuperNode."""
    ensure_pki(root / "pki", ["localhost"], ["127.0.0.1"])
    address, pki = f"127.0.0.1:{ports[0]}", root / "pki"
    ca = (pki / "ca.crt").read_bytes()
    started: list[subprocess.Popen] = []

    def spawn(name: str, *arguments: str) -> subprocess.Popen:
        folder = root / name
        folder.mkdir()
        env = {**os.environ, **OFFLINE, "FLWR_HOME": str(folder / "flwr"), "PATH": f"{BIN}:{os.environ['PATH']}"}
        env.pop("FLIP_URL", None)
        with (root / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(arguments, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
        started.append(process)
        return process

    superlink = spawn(
        "superlink",
        str(BIN / "flower-superlink"),
        *("--ssl-ca-certfile", str(pki / "ca.crt")),
        *("--ssl-certfile", str(pki / "server.crt"), "--ssl-keyfile", str(pki / "server.key")),
        *("--host", "127.0.0.1", "--port", str(ports[0]), "--database", str(root / "state.db")),
        "--enable-supernode-auth",
        "--disable-runtime-dependency-installation",
    )
    control = ControlHttpClient.from_server_address(address, insecure=False, root_certificates=ca, interceptors=[])
    net = BareNet(root, superlink, control)
    try:
        _wait("The SuperLink", superlink, lambda: _healthy(address, pki / "ca.crt"))
        for trust, port in zip(trusts, ports[1:], strict=True):
            private = ec.generate_private_key(ec.SECP384R1())
            key = root / f"{trust}.key"
            key.write_bytes(private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption()))
            public = public_key_to_bytes(private.public_key())
            net.control.RegisterNode(RegisterNodeRequest(public_key=public, name=trust))
            net.nodes.append(
                spawn(
                    f"node-{trust}",
                    str(BIN / "flower-supernode"),
                    *("--root-certificates", str(pki / "ca.crt"), "--superlink", address),
                    *("--auth-supernode-private-key", str(key), "--port", str(port)),
                )
            )
        _wait("A SuperNode", superlink, lambda: _online(net.control) == len(trusts))
        yield net
    finally:
        net.control.close()
        tree = children()
        left = [pid for process in started for pid in below(process.pid, tree)]
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in left:  # app processes in sessions of their own
            if "flwr-" in command(pid) or "flower-" in command(pid):
                os.kill(pid, 9)


def _healthy(address: str, ca: Path) -> bool:
    try:
        return httpx.get(f"https://{address}/health", verify=str(ca), trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _online(control: Any) -> int:
    return sum(n.status == "online" for n in control.ListNodes(ListNodesRequest()).nodes_info)


def _wait(who: str, superlink: subprocess.Popen, ready: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if superlink.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{who} did not come up within {seconds:.0f} s. Look into the logs of its folder.")
        time.sleep(0.2)

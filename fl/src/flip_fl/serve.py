"""`flip-fl serve`: the FL API, the relay and the executor in this process, the SuperLink as its child."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import time

import uvicorn

from flip_contracts.sandbox import SandboxLevel, SandboxReport
from flip_fl.api.app import create_api, create_relay
from flip_fl.api.service import FlService
from flip_fl.control import Control
from flip_fl.errors import SandboxTooLow
from flip_fl.executor.loop import RuntimeApi
from flip_fl.executor.zygotes import die_with_parent
from flip_fl.pki import ensure_pki, write_private
from flip_fl.sandbox.probe import probe
from flip_fl.servers import QuietServer
from flip_fl.settings import FlSettings
from flip_fl.store import Store
from flip_fl.superlink import control_token_file, executor_secret_file

log = logging.getLogger(__name__)
OFFLINE = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


class SuperLinkProcess:
    """Keeps one SuperLink alive; its state is in SQLite, so a new one goes on where the old one was."""

    def __init__(self, settings: FlSettings):
        self._settings = settings
        self._popen: subprocess.Popen[bytes] | None = None
        self._log = settings.data_dir / "superlink.log"

    def ensure(self) -> bool:
        """True if there was one before, and it has ended."""
        before = self._popen
        if before is not None and before.poll() is None:
            return False
        if self._popen is not None:
            log.error("the SuperLink ended with code %s; starting it again", self._popen.returncode)
        with self._log.open("ab") as sink:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "flip_fl.cli", "superlink"],
                env={**os.environ, **OFFLINE, "FLWR_HOME": str(self._settings.data_dir / "flwr")},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        return before is not None

    def stop(self) -> None:
        if self._popen is None:
            return
        self._popen.terminate()
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def run_serve(settings: FlSettings) -> None:
    os.environ.update(OFFLINE)
    settings.data_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
    ensure_pki(settings.ca_file.parent, settings.fleet_names, [settings.fleet_host])
    for file in (control_token_file(settings), executor_secret_file(settings)):
        if not file.exists():
            file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            write_private(file, secrets.token_hex(32).encode())
    store = Store(settings.store_file)
    ca_pem = settings.ca_file.read_bytes()
    control = Control(settings.superlink_address, ca_pem, control_token_file(settings).read_text())
    # flwr strips the secret file and uses its text as bytes.
    secret = executor_secret_file(settings).read_bytes().strip()
    api = RuntimeApi(settings.superlink_address, ca_pem, secret)
    superlink = SuperLinkProcess(settings)
    superlink.ensure()
    try:
        sandbox = _demanded(probe(settings.sandbox), settings)
    except SandboxTooLow:
        superlink.stop()
        raise
    service = FlService(settings, store, control, api, sandbox)
    service.start()
    net_key = settings.net_key_file.read_text().strip()
    api_at = {"host": settings.host, "port": settings.api_port}
    relay_at = {"host": "127.0.0.1", "port": settings.relay_port}  # the wall's doors lead to loopback and nowhere else
    servers = [
        QuietServer(uvicorn.Config(app, **place, log_level="warning", access_log=False))
        for app, place in ((create_api(service, store, net_key), api_at), (create_relay(service, store), relay_at))
    ]
    try:
        asyncio.run(_serve(servers, superlink, service))
    finally:
        service.close()
        superlink.stop()
        store.close()


def _demanded(report: SandboxReport, settings: FlSettings) -> SandboxReport:
    if report.level.rank < settings.sandbox_minimum.rank:
        raise SandboxTooLow(
            f"ServerApps would run at sandbox level '{report.level}', and FLIP_FL_SANDBOX_MINIMUM demands "
            f"'{settings.sandbox_minimum}' ({report.why}). See docs/sandbox.md: allow namespaces here, or lower it."
        )
    if report.level is SandboxLevel.FULL:
        log.info("sandbox: full; each of %d attacks was stopped", len(report.stopped))
    else:
        log.warning("sandbox: %s only, an app can %s (%s)", report.level, ", ".join(report.open), report.why)
    return report


async def _serve(servers: list[QuietServer], superlink: SuperLinkProcess, service: FlService) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    running = [asyncio.ensure_future(s.serve()) for s in servers]
    last = time.monotonic()
    while not stopping.is_set() and not any(r.done() for r in running):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), 0.5)
        if time.monotonic() - last > 2:  # at most one new SuperLink every 2 s
            if superlink.ensure():
                await asyncio.to_thread(service.superlink_began_again)
            last = time.monotonic()
    for server in servers:
        server.should_exit = True
        server.force_exit = True  # a long poll must not hold the shutdown
    await asyncio.gather(*running)

"""`flip-fl superlink`: Flower's SuperLink with per-run federations, two doors and signed FABs.

Private names of flwr 1.42.0 touched here are guarded by `tests/test_flwr_contract.py`.
"""

import asyncio
import base64
import hashlib
import importlib
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flwr.superlink.main as flwr_main
import flwr.superlink.servicer.control.control_handlers as flwr_control
import flwr.superlink.servicer.fleet.fleet_handlers as flwr_fleet
import flwr.superlink.servicer.runtime.runtime_handlers as flwr_runtime
import uvicorn
from cryptography.hazmat.primitives import serialization
from flwr.server.superlink.linkstate import LinkStateFactory
from flwr.server.superlink.linkstate.sql_linkstate import SqlLinkState
from flwr.supercore.fab import Fab
from flwr.supercore.object_store import ObjectStoreFactory
from flwr.supercore.primitives.asymmetric_ed25519 import create_message_to_sign
from starlette.middleware import Middleware

from flip_fl.bundles import serve_bundles
from flip_fl.doors import Asgi, Scope, fleet_door, loopback_door
from flip_fl.federation import RunFederationManager
from flip_fl.object_store import DATABASE, FileObjectStore
from flip_fl.redeliver import redeliver, still_arriving
from flip_fl.servers import QuietServer
from flip_fl.settings import FlSettings
from flip_fl.store import Store

FAB_SIGNER = "fpk_flip_hub"
# Which part of the API a middleware of Flower looks at, by the beginning of its name.
PARTS = {"Control": "/v1/control", "NodeAuth": "/v1/fleet", "FleetEventLog": "/v1/fleet"}
# flwr gives functions the names of their modules, so `import … as` would find the function.
flwr_cli: Any = importlib.import_module("flwr.superlink.cli.flower_superlink")


def run_superlink(settings: FlSettings) -> None:
    store = Store(settings.store_file)
    control_token = control_token_file(settings).read_text()
    redeliver(settings.superlink_db, settings.data_dir / "objects" / DATABASE)
    SqlLinkState.store_message_and_object_tree = still_arriving(SqlLinkState.store_message_and_object_tree)  # type: ignore[method-assign]
    flwr_main.get_federation_manager = lambda is_simulation=False: RunFederationManager(store)
    flwr_control.Fab = _signing_fab(settings.signing_key_file, store)
    serve_bundles(flwr_runtime)
    serve_bundles(flwr_fleet)
    flwr_main._get_middleware = _only_where_needed(flwr_main._get_middleware)
    flwr_main.get_objectstore_linkstate_factories = _with_file_store(settings.data_dir / "objects")

    def serve(lifespan_config: Any) -> None:
        app = flwr_main.create_app(lifespan_config, flwr_cli.SuperLinkLifespan)
        tls = {"ssl_certfile": lifespan_config.ssl_certfile, "ssl_keyfile": lifespan_config.ssl_keyfile}
        common: dict[str, Any] = {"log_level": "warning", "access_log": False, **tls}
        loopback = uvicorn.Config(
            loopback_door(app, control_token), host="127.0.0.1", port=settings.superlink_port, **common
        )
        fleet = uvicorn.Config(
            fleet_door(app), host=settings.fleet_host, port=settings.fleet_port, lifespan="off", **common
        )
        asyncio.run(_serve_both(QuietServer(loopback), QuietServer(fleet)))

    flwr_cli._run_superlink_http_api = serve
    pki = settings.ca_file.parent
    sys.argv = [
        "flower-superlink",
        *("--ssl-ca-certfile", str(pki / "ca.crt")),
        *("--ssl-certfile", str(pki / "server.crt"), "--ssl-keyfile", str(pki / "server.key")),
        *("--host", "127.0.0.1", "--port", str(settings.superlink_port)),
        *("--isolation", "process", "--superexec-auth-secret-file", str(executor_secret_file(settings))),
        *("--database", str(settings.superlink_db)),
        "--enable-supernode-auth",
        "--disable-runtime-dependency-installation",
    ]
    flwr_cli.flower_superlink()


def control_token_file(settings: FlSettings) -> Path:
    return settings.data_dir / "keys" / "control.token"


def executor_secret_file(settings: FlSettings) -> Path:
    return settings.data_dir / "keys" / "executor.secret"


async def _serve_both(*servers: QuietServer) -> None:
    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    # The loopback server runs the app's lifespan, so it comes first.
    first = asyncio.ensure_future(servers[0].serve())
    while not servers[0].started and not first.done():
        await asyncio.sleep(0.02)
    await asyncio.gather(first, *(s.serve() for s in servers[1:]))


class OnlyUnder:
    """A middleware for one part of the API: each one around a request costs as much as the request's own work."""

    def __init__(self, app: Asgi, prefix: str, inner: Any, **options: Any):
        self._app, self._prefix, self._inner = app, prefix, inner(app, **options)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        mine = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        await (self._inner if mine else self._app)(scope, receive, send)


def _only_where_needed(original: Callable[[], list[Middleware]]) -> Callable[[], list[Middleware]]:
    """Flower puts the middlewares of Control and Fleet around every request; each of them then looks at the path."""

    def middlewares() -> list[Middleware]:
        narrowed = []
        for each in original():
            name = getattr(each.cls, "__name__", "")
            prefix = next((p for start, p in PARTS.items() if name.startswith(start)), None)
            narrowed.append(Middleware(OnlyUnder, prefix=prefix, inner=each.cls, **each.kwargs) if prefix else each)
        return narrowed

    return middlewares


def _with_file_store(folder: Path) -> Callable[..., Any]:
    def factories(database: str, federation_manager: Any) -> tuple[ObjectStoreFactory, LinkStateFactory]:
        objects = ObjectStoreFactory()
        objects.store_instance = FileObjectStore(folder)
        return objects, LinkStateFactory(database, federation_manager, objects)

    return factories


def _signing_fab(key_file: Path, store: Store) -> Any:
    """A stand-in for `Fab(...)` in StartRun that signs what the FL API vetted, and nothing else."""
    key: Any = serialization.load_pem_private_key(key_file.read_bytes(), password=None)

    def signed(hash_str: str, content: bytes, verifications: dict[str, str]) -> Fab:
        digest = hashlib.sha256(content)
        if not store.is_vetted(digest.hexdigest()):
            return Fab(hash_str, content, verifications)
        signed_at = int(time.time())
        signature = key.sign(create_message_to_sign(digest.digest(), signed_at))
        encoded = base64.urlsafe_b64encode(signature).decode().rstrip("=")
        record = json.dumps({"signed_at": signed_at, "signature": encoded})
        return Fab(hash_str, content, {FAB_SIGNER: record, "valid_license": "Valid"})

    return signed

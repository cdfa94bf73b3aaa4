"""`flip-fl supernode --spec FILE`: Flower's SuperNode for one run of one trust, with its executor, in one process.

It runs no app code before the FAB has the hash of the signed manifest and the hub's signature.
"""

import base64
import hashlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flwr.supernode.servicer.runtime.runtime_handlers as flwr_handlers
import flwr.supernode.start_client_internal as flwr_node
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from flwr.app import Error, Message
from flwr.common.constant import ErrorCode
from flwr.supercore.constant import TaskType
from flwr.supercore.fab import Fab
from flwr.supercore.object_store import ObjectStoreFactory
from flwr.supernode.cli.flower_supernode import SuperNodeLifespanConfig, _start_supernode_http_api
from flwr.supernode.nodestate import NodeStateFactory

from flip_contracts.sandbox import SandboxLevel
from flip_fl.bundles import ask_in_bundles, serve_bundles
from flip_fl.executor.imports import platform_imports
from flip_fl.executor.launcher import AppLaunch, Launcher, Limits, RunPlace
from flip_fl.executor.loop import Executor, RuntimeApi
from flip_fl.executor.waits import AdaptiveTime, retry_soon
from flip_fl.executor.zygotes import ZygoteLauncher
from flip_fl.redeliver import EachOnce, push_whole
from flip_fl.run_watch import RUN_IS_OVER, RunWatch, say_goodbye
from flip_fl.superlink import FAB_SIGNER
from flip_fl.way import problem_on_the_way

log = logging.getLogger(__name__)
REPLY_LEFT = 0  # for a run's id, which Flower only compares with None
REFUSED = 3  # exit code: it would never work, and why was told
GOODBYE_SECONDS = 1.0


@dataclass(frozen=True)
class NodeSpec:
    """Written by the trust's agent. Paths are local; `app_env` is all that a ClientApp gets from us."""

    run_id: str
    trust: str
    superlink: str
    ca_pem_file: str
    private_key_file: str
    fab_sha256: str
    hub_public_key: str
    work_dir: str
    app_env: dict[str, str]
    limits: dict[str, int] = field(default_factory=dict)  # as `launcher.Limits`
    sandbox: str = SandboxLevel.FULL  # what the agent's probe found
    readable: list[str] = field(default_factory=list)  # folders of prepared images
    gpus: str = ""  # CUDA_VISIBLE_DEVICES

    @classmethod
    def read(cls, path: Path) -> "NodeSpec":
        known = cls.__dataclass_fields__
        return cls(**{k: v for k, v in json.loads(path.read_text()).items() if k in known})


def run_supernode(spec_file: Path) -> None:
    spec = NodeSpec.read(spec_file)
    work = Path(spec.work_dir)
    events = EventFile(work / "events.jsonl")
    if (problem := problem_on_the_way(spec.superlink, Path(spec.ca_pem_file))) is not None:
        code, text = problem
        events.write("refused", code, text=text)
        log.error("%s", text)
        sys.exit(REFUSED)
    secret = secrets.token_bytes(32)
    port = _free_port()
    config = _config(spec, port, secret)
    flwr_node.time = AdaptiveTime()
    retry_soon()
    ask_in_bundles(flwr_node)
    serve_bundles(flwr_handlers)

    state_factory = NodeStateFactory(objectstore_factory=ObjectStoreFactory())
    _start_supernode_http_api(config, state_factory)
    place = RunPlace(
        run=spec.run_id,
        kind="clientapp",
        folder=work / "zygote",
        env=spec.app_env,
        limits=Limits(**spec.limits),
        writable=(work / "apps",),
        readable=tuple(map(Path, spec.readable)),
        ports=_doors(port, spec.app_env.get("FLIP_URL")),
        gpus=spec.gpus,
    )
    launcher = ZygoteLauncher(SandboxLevel(spec.sandbox))
    launcher.prepare(place)
    host = ClientAppHost(place, work, f"127.0.0.1:{port}", state_factory, events)
    api = RuntimeApi(f"127.0.0.1:{port}", None, secret)
    executor = Executor(TaskType.CLIENT_APP, api, host, launcher, place.limits.wall_seconds)
    executor.start()
    watch = RunWatch(executor)
    flwr_node._init_connection = _telling_online(flwr_node._init_connection, events, watch)
    pull = _only_the_approved_fab(flwr_node._pull_and_store_message, spec, events, launcher)
    flwr_node._pull_and_store_message = _then_look(pull, executor, host)
    flwr_node._push_messages = push_whole(_telling_what_it_sends(flwr_node._push_messages, events))

    def end(*_: Any) -> None:
        # flwr's own handler would first unregister politely; the agent waits 5 s at most.
        threading.Thread(target=_end, args=(executor, events, watch, config), daemon=True).start()

    def start() -> None:
        flwr_node.start_client_internal(
            state_factory=state_factory,
            server_address=config.server_address,
            root_certificates=config.root_certificates,
            insecure=False,
            authentication_keys=config.authentication_keys,
            node_config=config.node_config,
            isolation="process",
            runtime_api_address=f"127.0.0.1:{port}",
            trusted_entities=config.trusted_entities,
            superexec_auth_secret=secret,
            runtime_dependency_install=False,
        )

    original = flwr_node.register_signal_handlers

    def register(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)

    flwr_node.register_signal_handlers = register
    try:
        start()
    finally:
        executor.stop()
        events.write("ended", code="supernode_exited")


def _end(executor: Executor, events: "EventFile", watch: RunWatch, config: SuperNodeLifespanConfig) -> None:
    goodbye = threading.Thread(target=say_goodbye, args=(watch.node_id, config), daemon=True)
    goodbye.start()
    executor.stop()
    events.write("ended", code="stopped")
    goodbye.join(GOODBYE_SECONDS)
    os._exit(0)  # every child is gone; Flower's threads have nothing left to save


class EventFile:
    """Lines for the agent, which alone decides what of them leaves the trust."""

    def __init__(self, path: Path):
        self._path, self._lock = path, threading.Lock()

    def write(self, event: str, code: str = "", error_class: str = "", text: str = "", **numbers: float) -> None:
        line = json.dumps({"event": event, "code": code, "error_class": error_class, "text": text, "numbers": numbers})
        with self._lock, self._path.open("a") as sink:
            sink.write(line + "\n")


@dataclass(frozen=True)
class Turn:
    """One launch of the ClientApp: the messages that waited for it, and when (monotonic seconds)."""

    messages: list[Message]
    came: float
    started: float


class ClientAppHost:
    """What the executor needs to know at a trust: every task here belongs to this one run."""

    def __init__(self, place: RunPlace, work: Path, runtime: str, state_factory: NodeStateFactory, events: EventFile):
        self._place, self._work, self._runtime = place, work, runtime
        self._state_factory, self._events = state_factory, events
        self._log = (work / "clientapp.log").open("a", buffering=1)
        self._number = 0
        self._turns: dict[AppLaunch, Turn] = {}
        self._count: Counter[str] = Counter()
        self.came_at = time.monotonic()  # the newest message

    def order_for(self, flwr_run_id: int, token: str) -> AppLaunch:
        keep = self._keeps_process(flwr_run_id)
        self._number += 1
        launch = AppLaunch(
            place=self._place,
            runtime_api=self._runtime,
            root_certificates=None,
            token=token,
            folder=self._work / "apps" / ("kept" if keep else str(self._number)),
            keep_process=keep,
        )
        # The next round's message may arrive before this process has ended, so remember which one is this one's.
        self._turns[launch] = Turn(self._unanswered(), self.came_at, time.monotonic())
        return launch

    def _keeps_process(self, flwr_run_id: int) -> bool:
        """The app's config says `flip-warm = true`: its next message finds the modules and caches of this one."""
        state: Any = self._state_factory.state()
        run = state.get_run(flwr_run_id)
        config = flwr_node.get_fused_config_from_fab(state.get_fab(run.fab_hash).content, run)
        return config.get("flip-warm") is True

    def line(self, flwr_run_id: int, line: str) -> None:
        self._log.write(line + "\n")

    def ended(self, launch: AppLaunch, flwr_run_id: int, returncode: int, why: str) -> None:
        """If the ClientApp died without a reply, reply for it now; Flower would take a minute to notice."""
        state: Any = self._state_factory.state()
        text = why or f"the ClientApp's process exited with code {returncode}"
        turn = self._turns.pop(launch)
        self._tell(turn)
        for message in self._unanswered({m.metadata.message_id for m in turn.messages}):
            error = Error(ErrorCode.CLIENT_APP_CRASHED, f"ClientAppExited: {text}")
            flwr_node._insert_message(Message(error, reply_to=message), state, state.object_store)
            if why != RUN_IS_OVER:
                self._events.write("client_failed", "client_app_exited", "ClientAppExited", text)

    def _tell(self, turn: "Turn") -> None:
        for message in turn.messages[:1]:
            kind = message.metadata.message_type.split(".")[0].lower()
            self._count[kind] += 1
            self._events.write(
                "client_done",
                kind,
                turn=self._count[kind],
                waited_seconds=round(max(0.0, turn.started - turn.came), 3),
                seconds=round(time.monotonic() - turn.started, 3),
            )

    def has_reply(self) -> bool:
        state: Any = self._state_factory.state()
        with state.lock_msg_store:
            return any(entry.message.metadata.reply_to_message_id for entry in state.msg_store.values())

    def _unanswered(self, among: set[str] | None = None) -> list[Message]:
        state: Any = self._state_factory.state()
        with state.lock_msg_store:
            messages = [entry.message for entry in state.msg_store.values()]
        answered = {m.metadata.reply_to_message_id for m in messages if m.metadata.reply_to_message_id}
        asked = [m for m in messages if not m.metadata.reply_to_message_id]
        return [
            m
            for m in asked
            if m.metadata.message_id not in answered and (among is None or m.metadata.message_id in among)
        ]


def _telling_online(init: Callable[..., Any], events: EventFile, watch: RunWatch) -> Callable[..., Any]:
    from contextlib import contextmanager

    @contextmanager
    def connection(*args: Any, **kwargs: Any):
        with init(*args, **kwargs) as conn:
            events.write("online")
            watch.connected(conn)
            yield conn

    return connection


def _then_look(pull: Callable[..., Any], executor: Executor, host: ClientAppHost) -> Callable[..., Any]:
    """A message that has come is a task for the executor, in this same process: no need to wait for its next look."""

    each = EachOnce()

    def told(**kwargs: Any) -> Any:
        run_id = pull(**{**kwargs, "receive": each.receiving(kwargs["receive"])})
        if run_id is not None:
            each.took()
            host.came_at = time.monotonic()
            executor.look()
            return run_id
        # Flower pushes one reply for each message that it pulls. Where a message was answered for, or its run went on
        # as another, a reply may be left over: it must not wait for the next message.
        return REPLY_LEFT if host.has_reply() else None

    return told


def _telling_what_it_sends(push: Callable[..., None], events: EventFile) -> Callable[..., None]:
    """For the trust's ledger of what left: each reply by its id, which is the SHA-256 of its content, and its size.

    `sending` is written before the first byte, `sent` after the last: a reply that was cut off is known, too.
    """

    def told(state: Any, object_store: Any, send: Callable[..., Any], push_object: Callable[..., None]) -> None:
        under_way: list[tuple[str, str]] = []
        size = 0

        def ended() -> None:
            nonlocal size
            for kind, message_id in under_way:
                events.write("sent", kind, text=message_id, bytes=size)
            under_way.clear()
            size = 0

        def sending(message: Message, *rest: Any) -> Any:
            ended()
            kind = message.metadata.message_type.split(".")[0].lower()
            events.write("sending", kind, text=message.metadata.message_id)
            under_way.append((kind, message.metadata.message_id))
            return send(message, *rest)

        def pushing(run_id: int, session_id: str, object_id: str, content: bytes) -> None:
            nonlocal size
            size += len(content)
            push_object(run_id, session_id, object_id, content)

        try:
            push(state, object_store, sending, pushing)
        finally:
            ended()

    return told


def _only_the_approved_fab(
    pull: Callable[..., Any], spec: NodeSpec, events: EventFile, launcher: Launcher
) -> Callable[..., Any]:
    def guarded(**kwargs: Any) -> Any:
        get_fab = kwargs["get_fab"]

        def checked(fab_hash: str, run_id: int) -> Fab:
            fab = get_fab(fab_hash, run_id)
            problem = ""
            if hashlib.sha256(fab.content).hexdigest() != spec.fab_sha256:
                problem = "fab_hash_mismatch"
            elif not fab.verifications.get("valid_license") or not flwr_node._verify_fab(
                fab, kwargs["trusted_entities"]
            ):
                problem = "fab_signature_invalid"
            if problem:
                events.write("refused", problem, text="The app is not the one that the signed manifest names.")
                log.error("the FAB was refused: %s", problem)
                return Fab(fab.hash_str, fab.content, {})  # no verification: Flower answers INVALID_FAB, runs nothing
            launcher.preload(spec.run_id, platform_imports(fab.content))  # while the message's arrays arrive
            return fab

        kwargs["get_fab"] = checked
        return pull(**kwargs)

    return guarded


def _config(spec: NodeSpec, port: int, secret: bytes) -> SuperNodeLifespanConfig:
    key: Any = serialization.load_ssh_private_key(Path(spec.private_key_file).read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    hub = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(spec.hub_public_key))
    hub_ssh = hub.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    return SuperNodeLifespanConfig(
        server_address=spec.superlink,
        root_certificates=Path(spec.ca_pem_file).read_bytes(),
        insecure=False,
        authentication_keys=(key, key.public_key()),
        max_retries=None,
        max_wait_time=None,
        node_config={"name": spec.trust},
        isolation="process",
        runtime_certificates=None,
        runtime_root_certificates_path=None,
        health_server_address=None,
        trusted_entities={FAB_SIGNER: hub_ssh},
        superexec_auth_secret=secret,
        runtime_dependency_install=False,
        host="127.0.0.1",
        port=port,
        runtime_ssl_certfile=None,
        runtime_ssl_keyfile=None,
    )


def _doors(runtime_port: int, data_api: str | None) -> tuple[int, ...]:
    """All that a ClientApp may connect to: this node's Runtime API and the trust's data API."""
    port = urlsplit(data_api).port if data_api else None
    return (runtime_port, port) if port else (runtime_port,)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]

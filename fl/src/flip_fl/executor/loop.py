"""The executor: takes tasks from a Runtime API, launches each as a process, and reacts at once when one ends.

It stands where `flower-superexec` would. The same loop serves ServerApps at the hub and ClientApps at a trust.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from flwr.common.constant import SubStatus
from flwr.proto.runtime_pb2 import AcquireTaskRequest, PushTaskOutputRequest, SendTaskHeartbeatRequest
from flwr.supercore.constant import TaskType
from flwr.supercore.interceptors import (
    RuntimeTokenHttpInterceptor,
    RuntimeVersionHttpInterceptor,
    SuperExecAuthHttpInterceptor,
)
from flwr.supercore.runtime import RuntimeHttpClient

from flip_fl.executor.launcher import AppLaunch, AppProcess, Launcher

log = logging.getLogger(__name__)
ACQUIRE = "/flwr.proto.Runtime/AcquireTask"
# Seconds between looks for a task. `look` tells of most tasks at once; the looks are for what it cannot know.
IDLE_SHORTEST, IDLE_LONGEST = 0.05, 1.0
LINE_BYTES, OUTPUT_BYTES = 16 * 2**10, 64 * 2**20  # of one line, of one run: an app may print for ever
CLAIM_SECONDS = 10.0  # between our heartbeats for a task whose process lives


class Host(Protocol):
    """What the place it runs in knows and wants to know."""

    def order_for(self, flwr_run_id: int, token: str) -> AppLaunch | None:
        """How to launch a task of this run, or None if the run is not ours to run any more."""
        ...

    def line(self, flwr_run_id: int, line: str) -> None:
        """One line that the app printed."""
        ...

    def ended(self, launch: AppLaunch, flwr_run_id: int, returncode: int, why: str) -> None:
        """The process is gone; `why` is empty unless we ended it."""
        ...


@dataclass
class RuntimeApi:
    address: str
    root_certificates: bytes | None  # None: plain HTTP on loopback
    secret: bytes

    def client(self, *interceptors: Any) -> RuntimeHttpClient:
        """Without Flower's retry invoker: on a 401 that one sends SIGINT to its own process."""
        return RuntimeHttpClient.from_server_address(
            server_address=self.address,
            insecure=self.root_certificates is None,
            root_certificates=self.root_certificates,
            interceptors=[RuntimeVersionHttpInterceptor(component_name="SuperExec"), *interceptors],
            retry_invoker=None,
        )


class Executor(threading.Thread):
    def __init__(
        self, kind: TaskType, api: RuntimeApi, host: Host, launcher: Launcher, wall_seconds: float = 24 * 3600
    ):
        super().__init__(name=f"executor-{kind}", daemon=True)
        self._kind, self._api, self._host, self._launcher = kind, api, host, launcher
        self._wall_seconds = wall_seconds
        self._stopping, self._look = threading.Event(), threading.Event()
        self._running: dict[int, list[tuple[AppProcess, Callable[[str], None]]]] = {}
        self._said: Counter[int] = Counter()
        self._lock = threading.Lock()
        self.last_contact = 0.0  # monotonic time of the last answer of the Runtime API

    @property
    def online(self) -> bool:
        return time.monotonic() - self.last_contact < 10

    def run(self) -> None:
        client = self._api.client(
            SuperExecAuthHttpInterceptor(master_secret=self._api.secret, protected_methods=frozenset({ACQUIRE})),
        )
        idle = IDLE_SHORTEST
        while not self._stopping.is_set():
            self._look.wait(idle)
            self._look.clear()
            try:
                answer = client.AcquireTask(AcquireTaskRequest(supported_task_types={self._kind}))
            except (httpx.HTTPError, ValueError) as error:
                log.debug("runtime api not reachable: %s", type(error).__name__)
                idle = IDLE_LONGEST
                continue
            self.last_contact = time.monotonic()
            if answer.HasField("task") and answer.token:
                self._start(answer.task.run_id, answer.token)
                idle = IDLE_SHORTEST
            else:
                idle = min(idle * 1.2, IDLE_LONGEST)
        client.close()

    def look(self) -> None:
        """There is a task now: do not wait for the next look."""
        self._look.set()

    def _start(self, flwr_run_id: int, token: str) -> None:
        order = self._host.order_for(flwr_run_id, token)
        if order is None:
            log.warning("a task of a run that is not ours was left alone")
            return
        try:
            process = self._launcher.launch(order)
        except OSError as error:
            log.error("an app's process could not be started: %s", error)
            return self._settle(token, 1, f"This node could not start the app's process ({type(error).__name__}).")
        reason: list[str] = []

        def kill(why: str) -> None:
            reason.append(why)
            process.kill()

        with self._lock:
            self._running.setdefault(flwr_run_id, []).append((process, kill))
        threading.Thread(
            target=self._watch, args=(flwr_run_id, token, process, reason), name="app-watch", daemon=True
        ).start()

    def _watch(self, flwr_run_id: int, token: str, process: AppProcess, reason: list[str]) -> None:
        timer = threading.Timer(self._wall_seconds, self.kill_run, (flwr_run_id, "wall time limit reached"))
        timer.daemon = True
        timer.start()
        reader = threading.Thread(target=self._read, args=(flwr_run_id, process), name="app-output", daemon=True)
        reader.start()
        ended = threading.Event()
        threading.Thread(target=self._keep_claim, args=(token, ended), name="app-claim", daemon=True).start()
        returncode = process.wait()
        ended.set()
        timer.cancel()
        reader.join(timeout=5)
        process.output.close()
        process.clean()
        why = reason[0] if reason else process.why
        if not process.finished:
            self._settle(token, returncode, why)
        self._host.ended(process.launch, flwr_run_id, returncode, why)
        with self._lock:
            left = [p for p in self._running.get(flwr_run_id, []) if p[0] is not process]
            self._running[flwr_run_id] = left
            if not left:
                del self._running[flwr_run_id]

    def _keep_claim(self, token: str, ended: threading.Event) -> None:
        """Flower takes a task for dead if its process says nothing for 30 seconds at first, for 60 later. Loading
        frameworks on a busy machine takes longer, and so may a computation that lets no other thread run. We see that
        the process lives; how long it may take is the wall time's business."""
        client = self._api.client(RuntimeTokenHttpInterceptor(token))
        while not ended.wait(CLAIM_SECONDS):
            with contextlib.suppress(httpx.HTTPError, ValueError):  # the task is told by its own heartbeat
                client.SendTaskHeartbeat(SendTaskHeartbeatRequest())
        client.close()

    def _read(self, flwr_run_id: int, process: AppProcess) -> None:
        """Every byte is read, so that the app never waits for us; what is beyond the bounds is dropped."""
        while raw := process.output.readline(LINE_BYTES):
            before = self._said[flwr_run_id]
            self._said[flwr_run_id] += len(raw)
            if before + len(raw) <= OUTPUT_BYTES:
                self._host.line(flwr_run_id, raw.decode(errors="replace").rstrip())
            elif before <= OUTPUT_BYTES:
                self._host.line(flwr_run_id, f"[This run wrote {OUTPUT_BYTES >> 20} MiB. The rest is left out.]")

    def _settle(self, token: str, returncode: int, why: str) -> None:
        """A process that died without a word would be noticed by its missing heartbeat, a minute later: say it now."""
        client = self._api.client(RuntimeTokenHttpInterceptor(token))
        try:
            details = why or f"The app's process exited with code {returncode} before it had finished."
            client.PushTaskOutput(PushTaskOutputRequest(sub_status=SubStatus.FAILED, details=details))
        except (httpx.HTTPError, ValueError):
            pass
        finally:
            client.close()

    def running(self) -> list[int]:
        """Flower's ids of the runs that have a process here now."""
        with self._lock:
            return list(self._running)

    def kill_run(self, flwr_run_id: int, why: str) -> None:
        with self._lock:
            running = list(self._running.get(flwr_run_id, []))
        for _, kill in running:
            kill(why)

    def wait_until_ended(self, flwr_run_id: int, seconds: float) -> None:
        """Give the run's processes time to end by themselves, so that their last words are read."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._lock:
                if not self._running.get(flwr_run_id):
                    return
            time.sleep(0.05)

    def stop(self) -> None:
        self._stopping.set()
        self._look.set()
        with self._lock:
            ids = list(self._running)
        for flwr_run_id in ids:
            self.kill_run(flwr_run_id, "the node is shutting down")
        if self.is_alive():
            self.join(timeout=3)
        self._launcher.close()

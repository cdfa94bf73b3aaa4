"""The executor holds a task for as long as its process lives, whatever Flower's own heartbeat inside it does."""

import io
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import flwr.supercore.corestate.in_memory_corestate as flwr_state
from flwr.proto.runtime_pb2 import (
    AcquireTaskRequest,
    AcquireTaskResponse,
    PushTaskOutputRequest,
    SendTaskHeartbeatRequest,
    SendTaskHeartbeatResponse,
)
from flwr.proto.task_pb2 import Task
from flwr.supercore.constant import TaskType
from flwr.supercore.object_store import ObjectStoreFactory
from flwr.supernode.nodestate import NodeStateFactory

from flip_fl.executor import loop
from flip_fl.executor.launcher import AppLaunch, RunPlace

RUN = 7


def claimed_task() -> tuple[Any, int, str]:
    state: Any = NodeStateFactory(objectstore_factory=ObjectStoreFactory()).state()
    task_id = state.create_task(task_type=TaskType.CLIENT_APP, run_id=RUN, fab_hash="f")
    return state, task_id, state.claim_task(task_id)


def test_a_claim_that_nobody_confirms_is_lost_after_half_a_minute(monkeypatch):
    """Why the executor confirms it: this is what a slow start would run into."""
    state, _, token = claimed_task()
    later = flwr_state.now() + timedelta(seconds=31)
    monkeypatch.setattr(flwr_state, "now", lambda: later)
    assert state.get_task_by_token(token) is None


class Api:
    """The Runtime API in front of a real NodeState, without HTTP."""

    def __init__(self) -> None:
        self.state, self.task_id, self.token = claimed_task()
        self.given, self.confirmed, self.secret = False, 0, b""

    def client(self, *_: Any) -> "Api":
        return self

    def close(self) -> None: ...

    def AcquireTask(self, _: AcquireTaskRequest) -> AcquireTaskResponse:
        if self.given:
            return AcquireTaskResponse()
        self.given = True
        return AcquireTaskResponse(task=Task(task_id=self.task_id, run_id=RUN), token=self.token)

    def SendTaskHeartbeat(self, _: SendTaskHeartbeatRequest) -> SendTaskHeartbeatResponse:
        self.confirmed += 1
        return SendTaskHeartbeatResponse(success=self.state.acknowledge_task_heartbeat(self.task_id))

    def PushTaskOutput(self, _: PushTaskOutputRequest) -> None: ...


class Process:
    why, finished = "", True

    def __init__(self, output: bytes = b"") -> None:
        self.output, self.done = io.BytesIO(output), threading.Event()

    def wait(self) -> int:
        self.done.wait()
        return 0

    def kill(self) -> None:
        self.done.set()

    def clean(self) -> None: ...


class Place:
    """Host and launcher at once."""

    def __init__(self, root: Path, output: bytes = b"") -> None:
        self.process, self.root, self.over = Process(output), root, threading.Event()
        self.lines: list[str] = []

    def order_for(self, _run: int, token: str) -> AppLaunch:
        return AppLaunch(RunPlace("r", "clientapp", self.root, {}, Any, ()), "", None, token, self.root)  # type: ignore[arg-type]

    def launch(self, launch: AppLaunch) -> Process:
        self.process.launch = launch  # type: ignore[attr-defined]
        return self.process

    def line(self, _run: int, line: str) -> None:
        self.lines.append(line)

    def ended(self, *_: Any) -> None:
        self.over.set()

    def close(self) -> None: ...


def test_a_task_is_confirmed_while_its_process_lives_and_not_after(monkeypatch, tmp_path):
    monkeypatch.setattr(loop, "CLAIM_SECONDS", 0.02)
    api, place = Api(), Place(tmp_path)
    executor = loop.Executor(TaskType.CLIENT_APP, api, place, place)  # type: ignore[arg-type]
    executor.start()
    deadline = time.monotonic() + 5
    while api.confirmed < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    record = api.state.task_token_store[api.task_id]
    assert record.active_until > flwr_state.now() + timedelta(seconds=50)
    place.process.kill()
    assert place.over.wait(5)
    time.sleep(0.1)
    confirmed = api.confirmed
    time.sleep(0.1)
    assert api.confirmed == confirmed
    executor.stop()


def test_output_without_end_or_line_break_is_cut_and_the_rest_is_read_and_dropped(monkeypatch, tmp_path):
    monkeypatch.setattr(loop, "OUTPUT_BYTES", 2**20)
    place = Place(tmp_path, b"x" * 3 * 2**20)
    executor = loop.Executor(TaskType.CLIENT_APP, Api(), place, place)  # type: ignore[arg-type]
    executor.start()
    place.process.kill()
    assert place.over.wait(5)
    executor.stop()
    *kept, last = place.lines
    assert {len(line) for line in kept} == {loop.LINE_BYTES}
    assert len(kept) * loop.LINE_BYTES == 2**20
    assert last == "[This run wrote 1 MiB. The rest is left out.]"

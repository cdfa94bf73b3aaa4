"""A net in memory, for tests: the FL API's behaviour as the hub sees it, driven step by step."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flip_contracts.fl_api import (
    EventKind,
    EventsPage,
    FlEvent,
    FlRunState,
    FlRunView,
    NetHealth,
    NodeSpec,
    NodeView,
    RunFinished,
    RunPrepared,
    RunSpec,
)
from flip_hub.db import now
from flip_hub.files.service import zipped
from flip_hub.flower.port import FlRefused, FlUnavailable


@dataclass
class FakeRun:
    spec: RunSpec
    app: bytes = b""
    state: FlRunState = FlRunState.PREPARED
    nodes: dict[str, bool] = field(default_factory=dict)
    results: bytes = b""


class FakeFl:
    def __init__(self) -> None:
        self.runs: dict[UUID, FakeRun] = {}
        self.log: list[FlEvent] = []
        self.files: dict[str, bytes] = {}
        self.down = False
        self.refuse: FlRefused | None = None
        self.forgotten: list[UUID] = []

    # --- the port ---
    def prepare(self, run_id: UUID, spec: RunSpec, app: bytes) -> RunPrepared:
        self._up()
        if self.refuse:
            raise self.refuse
        self.runs.setdefault(run_id, FakeRun(spec, app))
        missing = [file.sha256 for file in spec.files if file.sha256 not in self.files]
        digest = hashlib.sha256(app).hexdigest()
        return RunPrepared(fab_sha256=digest, fab_bytes=len(app), missing_files=missing)

    def put_file(self, run_id: UUID, sha256: str, content: Iterable[bytes]) -> None:
        self._run(run_id)
        self.files[sha256] = b"".join(content)

    def fab(self, run_id: UUID) -> bytes:
        self._up()
        return self._run(run_id).app

    def add_node(self, run_id: UUID, node: NodeSpec) -> NodeView:
        self._run(run_id).nodes.setdefault(node.trust, False)
        return NodeView(trust=node.trust, node_id="1", online=False)

    def view(self, run_id: UUID) -> FlRunView:
        run = self._run(run_id)
        nodes = [NodeView(trust=t, node_id="1", online=o) for t, o in run.nodes.items()]
        return FlRunView(run_id=run_id, state=run.state, nodes=nodes)

    def start(self, run_id: UUID) -> None:
        self._run(run_id).state = FlRunState.RUNNING

    def stop(self, run_id: UUID) -> None:
        if self._run(run_id).state is not FlRunState.FINISHED:
            self.finish(run_id, outcome="stopped", reason="stopped_by_user", text="Stopped.")

    def results(self, run_id: UUID) -> Iterator[bytes]:
        yield self._run(run_id).results

    def forget(self, run_id: UUID) -> None:
        self._up()
        self.runs.pop(run_id, None)
        self.forgotten.append(run_id)

    def events(self, after: int, wait_seconds: float) -> EventsPage:
        self._up()
        events = [e for e in self.log if e.seq > after]
        return EventsPage(events=events, next_after=events[-1].seq if events else after)

    def health(self) -> NetHealth:
        self._up()
        return NetHealth(superlink_online=True, executor_online=True, flwr_version="fake", active_runs=len(self.runs))

    # --- the test's hand ---
    def online(self, run_id: UUID, *trusts: str) -> None:
        self._run(run_id).nodes.update(dict.fromkeys(trusts, True))

    def emit(self, run_id: UUID, kind: EventKind, **payload: Any) -> None:
        self.log.append(FlEvent(seq=len(self.log) + 1, run_id=run_id, at=now(), kind=kind, payload=payload))

    def finish(self, run_id: UUID, results: dict[str, bytes] | None = None, **how: Any) -> None:
        run = self._run(run_id)
        run.state, run.results = FlRunState.FINISHED, zipped(results) if results else b""
        digest = hashlib.sha256(run.results).hexdigest() if results else None
        how = {"outcome": "succeeded", "reason": "completed", "text": "Completed.", "train_results": 2, **how}
        finished = RunFinished(results_sha256=digest, results_bytes=len(run.results), **how)
        self.emit(run_id, EventKind.RUN_FINISHED, **finished.model_dump(mode="json"))

    def _up(self) -> None:
        if self.down:
            raise FlUnavailable("down")

    def _run(self, run_id: UUID) -> FakeRun:
        self._up()
        if run_id not in self.runs:
            raise FlRefused("run_unknown", "No such run.")
        return self.runs[run_id]

"""What happened in a run, as it happens: kept for `run.json`, and told to whoever shows it."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from flip.local_run.reports import Tail
from flip.local_run.trace import Failure


@dataclass(slots=True)
class Round:
    """One phase of one round: `results` and `failures` count replies; `metrics` are the strategy's aggregates."""

    round: int
    phase: str
    results: int
    failures: int
    metrics: dict[str, Any] = field(default_factory=lambda: {})


class View(Protocol):
    """Shows a run. Methods may be called from several threads, one at a time."""

    def started(self, trust: str, phase: str, server_round: int) -> None: ...
    def finished(self, trust: str, phase: str, server_round: int, seconds: float, failure: Failure | None) -> None: ...
    def metric(self, point: dict[str, Any]) -> None: ...
    def status(self, status: str) -> None: ...
    def notice(self, text: str) -> None: ...
    def failure(self, who: str, failure: Failure) -> None: ...
    def aggregated(self, done: Round) -> None: ...
    def close(self) -> None: ...


class Recorder:
    """Collects, and passes on to a view. `poll` picks up what the SDK reported in the meantime."""

    def __init__(self, view: View, tail: Tail, trusts: list[str]) -> None:
        self._view, self._tail, self._trusts = view, tail, set(trusts)
        self._lock = threading.RLock()
        self._shown: set[tuple[str, str]] = set()
        self._told: set[str] = set()
        self._busy = 0  # trusts that are answering
        self.train_answers = 0
        self.rounds: list[Round] = []
        self.statuses: list[str] = []
        self.notices: list[str] = []
        self.failures: list[dict[str, Any]] = []
        self.last_metrics: dict[str, dict[str, float]] = {}
        self.started_at = time.time()

    def poll(self) -> None:
        with self._lock:
            for kind, line in self._tail.new():
                if kind == "metrics":
                    self._metric(line)
                elif kind == "status":
                    self.statuses.append(line["status"])
                    self._view.status(line["status"])

    def _metric(self, point: dict[str, Any]) -> None:
        name = point["client_name"]
        self.last_metrics.setdefault(name, {})[point["label"]] = point["value"]
        if self._busy and name not in self._trusts and name not in self._told:
            self._told.add(name)
            self.notice(
                f"A metric came with client_name {name!r}, which is no trust of this run. "
                'Use os.getenv("SUPERNODE_NAME"): the platform shows metrics under the trust that sent them.'
            )
        self._view.metric(point)

    def started(self, trust: str, phase: str, server_round: int) -> None:
        with self._lock:
            self.poll()
            self._busy += 1
            self._view.started(trust, phase, server_round)

    def finished(self, trust: str, phase: str, server_round: int, seconds: float, failure: Failure | None) -> None:
        with self._lock:
            self.poll()
            self._busy -= 1
            self._view.finished(trust, phase, server_round, seconds, failure)
            if failure is None:
                self.train_answers += phase == "train"
                return
            self.failures.append(
                {
                    "trust": trust,
                    "round": server_round,
                    "phase": phase,
                    "error_class": failure.error_class,
                    "message": failure.message,
                    "place": failure.place,
                }
            )
            if (key := (failure.error_class, failure.place)) not in self._shown:  # the same mistake is told once
                self._shown.add(key)
                self._view.failure(f"{trust}, {phase} of round {server_round}", failure)

    def aggregated(self, done: Round) -> None:
        with self._lock:
            self.poll()
            self.rounds.append(done)
            self._view.aggregated(done)

    def notice(self, text: str) -> None:
        with self._lock:
            if text not in self.notices:
                self.notices.append(text)
                self._view.notice(text)

    def to_json(self) -> dict[str, Any]:
        return {
            "rounds": [asdict(one) for one in self.rounds],
            "statuses": self.statuses,
            "failures": self.failures,
            "notices": self.notices,
            "last_metrics": self.last_metrics,
        }

"""All `strategy.start` calls of one ServerApp, in their order: what each has reached, kept after every round."""

import os
import shutil
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, MetricRecord

from flip_fl.checkpoints import FOLDER
from flip_fl.checkpoints.files import CheckpointBroken, CheckpointFolder
from flip_fl.checkpoints.state import Captured, random_state, restore, restore_random
from flip_fl.executor.report import post

MOST_CALLS = 50  # each keeps its last model; an app that starts a strategy for every batch is not resumed
Metrics = dict[int, Any]


@dataclass
class History:
    """Per round: what each of Flower's three kinds of metrics were, and what the results' history.json says."""

    train: Metrics = field(default_factory=dict)
    evaluate: Metrics = field(default_factory=dict)
    server: Metrics = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Reached:
    """One call of `strategy.start` up to the end of `round`."""

    round: int
    finished: bool
    arrays: str | None  # tensors by name; None while no round had a result
    tensors: str | None  # of the strategy's state
    state: dict[str, Any]
    random: dict[str, str]
    history: History
    initial: list[list[Any]]  # name, shape and type of the arrays that the call began with

    @classmethod
    def read(cls, record: dict[str, Any]) -> "Reached":
        told = record["history"]
        rounds = {kind: {int(k): v for k, v in told[kind].items()} for kind in ("train", "evaluate", "server")}
        return cls(**{**record, "history": History(**rounds, told=told["told"])})


class Keeper:
    """One per ServerApp process. `number` counts the calls of `strategy.start` from 1."""

    def __init__(self, folder: Path | None):
        self._folder = CheckpointFolder(folder) if folder else None
        self._calls: dict[int, Reached] = {}
        self._left_out_told = False
        self.number = 0
        if self._folder is not None and (record := self._folder.read()) is not None:
            self._calls = {int(k): Reached.read(v) for k, v in record["calls"].items()}
            for name in self._used():
                self._folder.get(name)  # whole, or none of it is used

    @classmethod
    def of_this_process(cls) -> "Keeper":
        folder = os.environ.get(FOLDER)
        try:
            return cls(Path(folder) if folder else None)
        except CheckpointBroken as error:
            shutil.rmtree(folder or "", ignore_errors=True)
            post("/relay/v1/notice", {"text": f"{error} The run begins again with round 1."})
            return cls(Path(folder or ""))

    def _used(self) -> set[str]:
        return {name for call in self._calls.values() for name in (call.arrays, call.tensors) if name}

    @property
    def keeps(self) -> bool:
        return not self.why_not

    @property
    def why_not(self) -> str:
        """Why this app cannot be resumed; empty if it can."""
        if self._folder is None:
            return "its run keeps no checkpoints"
        return f"it starts more than {MOST_CALLS} strategies" if self.number > MOST_CALLS else ""

    def reached(self, initial: ArrayRecord) -> Reached | None:
        """What the previous process had reached in the call that begins now; None if it never came so far."""
        self.number += 1
        found = self._calls.get(self.number)
        return found if found is not None and found.initial == described(initial) else None

    def arrays_of(self, reached: Reached) -> ArrayRecord | None:
        if reached.arrays is None or self._folder is None:
            return None
        tensors = self._folder.get(reached.arrays)
        order = [key for key, *_ in reached.initial]
        names = [*(key for key in order if key in tensors), *(key for key in tensors if key not in order)]
        return ArrayRecord(OrderedDict((key, Array(tensors[key])) for key in names))

    def put_back(self, reached: Reached, strategy: Any) -> None:
        assert self._folder is not None
        tensors = self._folder.get(reached.tensors) if reached.tensors else {}
        restore(strategy, reached.state, tensors)
        restore_random(reached.random)

    def keep(
        self, strategy: Any, initial: ArrayRecord, arrays: ArrayRecord | None, at: int, history: History, finished: bool
    ) -> list[str]:
        """The end of round `at`. Returns what of the strategy cannot be kept, once."""
        assert self._folder is not None
        captured = Captured(strategy)
        tensors = {key: _exact(array) for key, array in arrays.items()} if arrays else None
        self._calls[self.number] = Reached(
            round=at,
            finished=finished,
            arrays=self._folder.put(tensors) if tensors else None,
            tensors=self._folder.put(captured.tensors) if captured.tensors else None,
            state=captured.tree,
            random=random_state(),
            history=history,
            initial=described(initial),
        )
        self._folder.commit({"calls": {str(n): asdict(call) for n, call in self._calls.items()}}, self._used())
        told, self._left_out_told = self._left_out_told, True
        return [] if told else captured.left_out


def described(arrays: ArrayRecord) -> list[list[Any]]:
    return [[key, list(array.shape), array.dtype] for key, array in arrays.items()]


def _exact(array: Array) -> np.ndarray:
    return np.asarray(array.numpy())


def metrics_as_json(metrics: MetricRecord | None) -> Any:
    return None if metrics is None else {key: value for key, value in metrics.items()}


def metrics_from_json(told: Any) -> MetricRecord | None:
    return None if told is None else MetricRecord(told)

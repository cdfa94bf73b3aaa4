"""What the platform adds to `Strategy.start`: fitting thresholds, a model after each round, an honest end."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from flwr.app import ArrayRecord, Message
from flwr.serverapp.strategy import Strategy

from flip.errors import FlipError
from flip.local_run.record import Recorder, Round
from flip.local_run.reports import MODEL

THRESHOLDS: Final = ("min_train_nodes", "min_evaluate_nodes", "min_available_nodes")


class NoClientResults(FlipError):
    """Not one ClientApp of this training round returned a result."""

    default_code = "no_client_results"


@contextmanager
def watched_strategies(recorder: Recorder, folder: Path, trusts: int) -> Iterator[None]:
    """Inside, every strategy is watched from its `start` on."""
    start = Strategy.start

    def watched_start(self: Strategy, grid: Any, initial_arrays: ArrayRecord, *args: Any, **kwargs: Any) -> Any:
        _Watch(self, initial_arrays, recorder, folder, trusts).install()
        return start(self, grid, initial_arrays, *args, **kwargs)

    Strategy.start = watched_start  # type: ignore[method-assign]
    try:
        yield
    finally:
        Strategy.start = start


class _Watch:
    """One strategy in one run."""

    def __init__(self, strategy: Strategy, initial: ArrayRecord, recorder: Recorder, folder: Path, trusts: int) -> None:
        self._strategy, self._recorder, self._folder, self._trusts = strategy, recorder, folder, trusts
        self._dtypes = {key: array.dtype for key, array in initial.items()}

    def install(self) -> None:
        self._fit_thresholds()
        strategy: Any = self._strategy
        aggregate_train, aggregate_evaluate = strategy.aggregate_train, strategy.aggregate_evaluate

        def train(server_round: int, replies: Iterable[Message]) -> Any:
            replies = list(replies)
            done = _counted("train", server_round, replies)
            if done.results == 0:
                self._recorder.aggregated(done)
                raise NoClientResults(
                    f"Not one ClientApp returned a result in round {server_round}: {_why(replies)}. "
                    "Correct the ClientApp; its traceback is above."
                )
            arrays, metrics = aggregate_train(server_round, replies)
            done.metrics = dict(metrics or {})
            self._recorder.aggregated(done)
            if arrays is not None:
                save_arrays(self._folder / MODEL, arrays, self._dtypes)
            return arrays, metrics

        def evaluate(server_round: int, replies: Iterable[Message]) -> Any:
            replies = list(replies)
            metrics = aggregate_evaluate(server_round, replies)
            if replies:
                done = _counted("evaluate", server_round, replies)
                done.metrics = dict(metrics or {})
                self._recorder.aggregated(done)
            return metrics

        strategy.aggregate_train, strategy.aggregate_evaluate = train, evaluate

    def _fit_thresholds(self) -> None:
        """Flower waits for 2 nodes by default, forever: with fewer trusts the platform lowers it, and so does this."""
        inner: Any = self._strategy
        while inner is not None:
            for name in THRESHOLDS:
                current = getattr(inner, name, None)
                if isinstance(current, int) and current > self._trusts:
                    setattr(inner, name, self._trusts)
                    self._recorder.notice(
                        f"{type(inner).__name__}.{name} was {current}; this run has {self._trusts} trust(s), "
                        f"so it is {self._trusts}."
                    )
            inner = getattr(inner, "strategy", None)  # DP wrappers hold the strategy they wrap


def save_arrays(path: Path, arrays: ArrayRecord, dtypes: dict[str, str]) -> None:
    """Write an `.npz` that `numpy.load` reads without pickle. Integers keep their type.

    A weighted mean turns integer buffers (BatchNorm counters) into floats; `dtypes` are what they were at the start.
    """
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as file:  # not numpy.savez: its own arguments are names that a key may have
        for key, array in arrays.items():
            value = np.asarray(array.numpy())
            dtype = np.dtype(dtypes.get(key, value.dtype))
            if np.issubdtype(dtype, np.integer) and np.issubdtype(value.dtype, np.floating):
                value = np.rint(value)
            with file.open(f"{key}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, value.astype(dtype, copy=False), allow_pickle=False)
    part.replace(path)


def _counted(phase: str, server_round: int, replies: list[Message]) -> Round:
    failures = sum(reply.has_error() for reply in replies)
    return Round(server_round, phase, len(replies) - failures, failures)


def _why(replies: list[Message]) -> str:
    reasons = {_reason(reply) for reply in replies if reply.has_error()}
    return "; ".join(sorted(reasons)) or "no trust answered in time"


def _reason(reply: Message) -> str:
    """`ValueError: client boom` out of Flower's `<class 'ValueError'>:<'client boom'>`."""
    text = reply.error.reason or f"error {reply.error.code}"
    if text.startswith("<class '") and "'>:<'" in text:
        name, detail = text.removeprefix("<class '").split("'>:<'", 1)
        return f"{name.rsplit('.', 1)[-1]}: {detail.removesuffix(chr(39) + '>')}"
    return text

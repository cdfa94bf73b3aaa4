"""Inside a ServerApp's process: node thresholds, progress, the global model after each round, honest failures.

Everything here observes or corrects `Strategy.start`, which every strategy of `flwr.serverapp.strategy` inherits.
"""

import importlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import flwr.serverapp.strategy.fedavg as flwr_fedavg  # noqa: F401  loads the stock strategies
import flwr.serverapp.strategy.strategy_utils as flwr_strategy_utils
import flwr.supercore.inflatable.inflatable_utils as flwr_inflatable
import flwr.superlink.grid.http_grid as flwr_grid
import numpy as np
from flwr.app import ArrayRecord, Message
from flwr.serverapp.strategy import Strategy
from safetensors.numpy import save_file

from flip_fl.bundles import ask_in_bundles
from flip_fl.executor.exchanges import EXCHANGES, reason_of
from flip_fl.executor.report import place_in_app, post, root_of
from flip_fl.executor.waits import AdaptiveTime

flwr_run: Any = importlib.import_module("flwr.superlink.runtime.run_serverapp")
THRESHOLDS = ("min_train_nodes", "min_evaluate_nodes", "min_available_nodes")


class NoClientResults(Exception):
    """Not one ClientApp of this training round returned a result."""


def install() -> None:
    adaptive = AdaptiveTime()
    flwr_grid.time = adaptive
    ask_in_bundles(flwr_grid, flwr_inflatable)
    flwr_strategy_utils.sleep = adaptive.sleep
    start = Strategy.start

    def watched_start(self: Strategy, grid: Any, initial_arrays: ArrayRecord, *args: Any, **kwargs: Any) -> Any:
        Watch(self, initial_arrays).install()
        return start(self, grid, initial_arrays, *args, **kwargs)

    Strategy.start = watched_start  # type: ignore[method-assign]
    run = flwr_run.run_
    EXCHANGES.install()

    def told_run(*args: Any, **kwargs: Any) -> Any:
        try:
            context = run(*args, **kwargs)
            if not Watch.made:
                EXCHANGES.tell_unwatched()
            EXCHANGES.tell()
            return context
        except Exception as error:
            _tell_failure(root_of(error))
            raise

    flwr_run.run_ = told_run


def _tell_failure(error: BaseException) -> None:
    reason = "no_client_results" if isinstance(error, NoClientResults) else "server_app_raised"
    place = place_in_app(error)
    text = str(error) if reason == "no_client_results" else f"{type(error).__name__}: {error}"
    post("/relay/v1/failure", {"reason": reason, "text": f"{text} ({place})" if place else text})


class Watch:
    """One strategy in one run."""

    made = False

    def __init__(self, strategy: Strategy, initial: ArrayRecord):
        Watch.made = True
        self._strategy = strategy
        self._sent: int | None = None
        self._dtypes = {key: array.dtype for key, array in initial.items()}
        self._folder = Path(os.environ["FLIP_RESULTS_DIR"])
        self._history: list[dict[str, Any]] = []

    def install(self) -> None:
        self._fit_thresholds(int(os.environ.get("FLIP_TRUST_COUNT", "0")))
        configure_train, aggregate_train = self._strategy.configure_train, self._strategy.aggregate_train
        aggregate_evaluate = self._strategy.aggregate_evaluate

        def configure(server_round: int, *args: Any, **kwargs: Any) -> Any:
            self._fit_thresholds(_visible(args, kwargs))
            messages = list(configure_train(server_round, *args, **kwargs))
            self._sent = len(messages)
            post("/relay/v1/train-sent", {"round": server_round, "nodes": len(messages)})
            return messages

        def train(server_round: int, replies: Iterable[Message]) -> Any:
            replies = list(replies)
            if self._sent == 0 and not replies:  # an app that only evaluates
                return aggregate_train(server_round, replies)
            results = self._tell("train", server_round, replies)
            if results == 0:
                EXCHANGES.tell()
                classes = (
                    ", ".join(sorted({reason_of(r) for r in replies if r.has_error()})) or "no trust answered in time"
                )
                raise NoClientResults(f"Not one ClientApp returned a result in round {server_round}: {classes}.")
            arrays, metrics = aggregate_train(server_round, replies)
            EXCHANGES.tell()
            if arrays is not None:
                self._keep(server_round, arrays, metrics, results, len(replies) - results)
            return arrays, metrics

        def evaluate(server_round: int, replies: Iterable[Message]) -> Any:
            replies = list(replies)
            if replies:
                self._tell("evaluate", server_round, replies)
            metrics = aggregate_evaluate(server_round, replies)
            EXCHANGES.tell()
            return metrics

        strategy: Any = self._strategy
        strategy.configure_train, strategy.aggregate_train = configure, train
        strategy.aggregate_evaluate = evaluate

    def _fit_thresholds(self, trusts: int) -> None:
        """Flower waits for 2 nodes by default, forever: a project of one trust would hang, and so would a run
        whose other trust has withdrawn."""
        inner: Any = self._strategy
        while inner is not None and trusts:
            for name in THRESHOLDS:
                current = getattr(inner, name, None)
                if isinstance(current, int) and (current > trusts):
                    setattr(inner, name, trusts)
                    field = f"{type(inner).__name__}.{name}"
                    text = f"{field} was {current}; this run has {trusts} trust(s), so it is {trusts}."
                    post("/relay/v1/notice", {"text": text})
            inner = getattr(inner, "strategy", None)  # DP wrappers hold the strategy they wrap

    def _tell(self, phase: str, server_round: int, replies: list[Message]) -> int:
        errors = [reason_of(r) for r in replies if r.has_error()]
        results = len(replies) - len(errors)
        post(
            "/relay/v1/round-done",
            {
                "round": server_round,
                "phase": phase,
                "results": results,
                "failures": len(errors),
                "errors": errors,
            },
        )
        return results

    def _keep(self, server_round: int, arrays: ArrayRecord, metrics: Any, results: int, failures: int) -> None:
        tensors = {}
        for key, array in arrays.items():
            value = np.asarray(array.numpy())
            dtype = np.dtype(self._dtypes.get(key, value.dtype))
            # A weighted mean turns integer buffers (BatchNorm counters) into floats: give them back their type.
            if np.issubdtype(dtype, np.integer) and np.issubdtype(value.dtype, np.floating):
                value = np.rint(value)
            # ascontiguousarray alone would give a scalar one dimension
            tensors[key] = np.ascontiguousarray(value.astype(dtype, copy=False)).reshape(value.shape)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / "model.safetensors.part"
        save_file(tensors, part, metadata={"round": str(server_round)})
        part.replace(self._folder / "model.safetensors")
        self._history.append(
            {
                "round": server_round,
                "results": results,
                "failures": failures,
                "train_metrics": {k: v for k, v in (metrics or {}).items()},
            }
        )
        (self._folder / "history.json").write_text(json.dumps({"rounds": self._history}, indent=1))


def _visible(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """How many nodes the Grid among these arguments of `configure_train` sees now; 0 if there is none."""
    grids = [value for value in (*args, *kwargs.values()) if hasattr(value, "get_node_ids")]
    return len(list(grids[0].get_node_ids())) if grids else 0

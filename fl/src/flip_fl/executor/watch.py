"""One `strategy.start` of a ServerApp: progress, thresholds, model and checkpoint after each round, honest ends."""

import json
import logging
import os
from collections.abc import Callable, Iterable
from inspect import BoundArguments
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Message
from flwr.serverapp.strategy import Result, Strategy
from safetensors.numpy import save_file

from flip_fl.checkpoints.keeper import History, Keeper, Reached, metrics_as_json, metrics_from_json
from flip_fl.executor.exchanges import EXCHANGES, reason_of
from flip_fl.executor.report import post
from flip_fl.executor.rounds import ROUNDS, policy_of_this_run

THRESHOLDS = ("min_train_nodes", "min_evaluate_nodes", "min_available_nodes")
HOOKED = ("configure_train", "aggregate_train", "configure_evaluate", "aggregate_evaluate")
RETURN_SECONDS = 60.0  # after a crash, trusts that are on their way back are waited for so long
flower_log = logging.getLogger("flwr")


class NoClientResults(Exception):
    """Not one ClientApp of this training round returned a result."""


class Watch:
    """One strategy in one call of `start`."""

    made = False
    keeper: Keeper | None = None

    def __init__(self, strategy: Strategy, initial: ArrayRecord):
        Watch.made = True
        Watch.keeper = Watch.keeper or Keeper.of_this_process()
        self._keeper = Watch.keeper
        self._strategy, self._initial = strategy, initial
        self._sent: int | None = None
        self._dtypes = {key: array.dtype for key, array in initial.items()}
        self._folder = Path(os.environ["FLIP_RESULTS_DIR"])
        self._history = History()
        self._arrays: ArrayRecord | None = None
        self._round = 0  # the one that is under way, or was last
        self._empty = 0
        self._replay: Reached | None = None  # rounds up to this one are over already
        self._resumed = False
        self._expected = int(os.environ.get("FLIP_TRUST_COUNT", "0"))

    def around(self, start: Callable[..., Result], call: BoundArguments) -> Result:
        """Flower's own `start`. What an earlier process of this run has done is handed to it, not done again."""
        reached = self._keeper.reached(self._initial)
        EXCHANGES.watched = True
        post("/relay/v1/shape", {"resumable": self._keeper.keeps, "why": self._keeper.why_not})
        if reached is not None:
            self._arrays, self._history = self._keeper.arrays_of(reached), reached.history
            if reached.finished:
                self._keeper.put_back(reached, self._strategy)
                return self._result()
            self._replay, self._resumed, self._round = reached, True, reached.round
            print(f"This run goes on after round {reached.round}, from its checkpoint.", flush=True)
            flower_log.addFilter(self._is_news)
        if evaluate := call.arguments.get("evaluate_fn"):
            call.arguments["evaluate_fn"] = self._evaluating(evaluate)
        self.install()
        try:
            result = start(*call.args, **call.kwargs)
        finally:
            flower_log.removeFilter(self._is_news)
            for name in HOOKED:
                vars(self._strategy).pop(name, None)
        self._go_on()
        self._checkpoint(finished=True)
        return result

    def _is_news(self, _: logging.LogRecord) -> bool:
        return self._replay is None

    def _result(self) -> Result:
        result = Result()
        if self._arrays is not None:
            result.arrays = self._arrays
        kept = self._history
        for records, told in (
            (result.train_metrics_clientapp, kept.train),
            (result.evaluate_metrics_clientapp, kept.evaluate),
            (result.evaluate_metrics_serverapp, kept.server),
        ):
            for number, metrics in told.items():
                if (record := metrics_from_json(metrics)) is not None:
                    records[number] = record
        return result

    def install(self) -> None:
        self._fit_thresholds(int(os.environ.get("FLIP_TRUST_COUNT", "0")))
        strategy: Any = self._strategy
        configure_train, aggregate_train = strategy.configure_train, strategy.aggregate_train
        configure_evaluate, aggregate_evaluate = strategy.configure_evaluate, strategy.aggregate_evaluate

        def configure(server_round: int, *args: Any, **kwargs: Any) -> Any:
            if self._is_over(server_round):
                return []
            self._go_on()
            if self._round:
                self._checkpoint()
            self._round = server_round
            self._fit_thresholds(self._present(args, kwargs))
            messages = list(configure_train(server_round, *args, **kwargs))
            self._mark(messages)
            self._sent = len(messages)
            post("/relay/v1/train-sent", {"round": server_round, "nodes": len(messages)})
            return messages

        def train(server_round: int, replies: Iterable[Message]) -> Any:
            if (over := self._is_over(server_round)) is not None:
                arrays = self._arrays if server_round == over.round else None
                return arrays, metrics_from_json(self._history.train.get(server_round))
            replies = list(replies)
            if self._sent == 0 and not replies:  # an app that only evaluates
                return aggregate_train(server_round, replies)
            results = self._tell("train", server_round, replies)
            if results == 0:
                self._without_result(server_round, replies)
            else:
                self._empty = 0
            arrays, metrics = aggregate_train(server_round, replies)
            EXCHANGES.tell()
            self._history.train[server_round] = metrics_as_json(metrics)
            if arrays is not None:
                self._arrays = arrays
                self._keep(server_round, arrays, metrics, results, len(replies) - results)
            return arrays, metrics

        def configure_evaluation(server_round: int, *args: Any, **kwargs: Any) -> Any:
            if self._is_over(server_round):
                return []
            if getattr(strategy, "fraction_evaluate", 1.0):
                self._fit_thresholds(_visible(args, kwargs))
            messages = list(configure_evaluate(server_round, *args, **kwargs))
            self._mark(messages)
            return messages

        def evaluate(server_round: int, replies: Iterable[Message]) -> Any:
            if self._is_over(server_round):
                return metrics_from_json(self._history.evaluate.get(server_round))
            replies = list(replies)
            if replies:
                self._tell("evaluate", server_round, replies)
            metrics = aggregate_evaluate(server_round, replies)
            EXCHANGES.tell()
            self._history.evaluate[server_round] = metrics_as_json(metrics)
            return metrics

        strategy.configure_train, strategy.aggregate_train = configure, train
        strategy.configure_evaluate, strategy.aggregate_evaluate = configure_evaluation, evaluate

    def _evaluating(self, evaluate: Callable[..., Any]) -> Callable[..., Any]:
        def at_the_server(server_round: int, arrays: ArrayRecord) -> Any:
            if self._is_over(server_round):
                return metrics_from_json(self._history.server.get(server_round))
            metrics = evaluate(server_round, arrays)
            self._history.server[server_round] = metrics_as_json(metrics)
            return metrics

        return at_the_server

    # --- resuming ---
    def _is_over(self, server_round: int) -> Reached | None:
        return self._replay if self._replay is not None and server_round <= self._replay.round else None

    def _go_on(self) -> None:
        """The rounds that were over are handed on: from here the strategy is as it was then."""
        if self._replay is not None:
            self._keeper.put_back(self._replay, self._strategy)
            self._replay = None
            self._round = 0  # that one is kept already

    def _checkpoint(self, finished: bool = False) -> None:
        at = self._round or (max(self._history.train, default=0) if finished else 0)
        if not self._keeper.keeps:
            return
        left_out = self._keeper.keep(self._strategy, self._initial, self._arrays, at, self._history, finished)
        post("/relay/v1/checkpoint", {"call": self._keeper.number, "round": at})
        if left_out:
            names = ", ".join(left_out[:5])
            post("/relay/v1/notice", {"text": f"Not kept in checkpoints: {names}. After a crash they begin anew."})

    def _mark(self, messages: list[Message]) -> None:
        """An app may start several strategies, each with a round 1: a trust can tell them apart."""
        if (number := self._keeper.number) > 1:
            for message in messages:
                message.metadata.group_id = message.metadata.group_id or f"start-{number}"

    # --- trusts ---
    def _present(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """How many trusts are there for the next round. Those that the run's policy waits for are waited for."""
        grid = _grid_of(args, kwargs)
        if grid is None:
            return 0
        policy = policy_of_this_run()
        wanted = self._expected if policy.kind == "wait" or self._resumed else min(policy.minimum, self._expected)
        seconds = policy.rejoin_seconds if policy.kind == "wait" else RETURN_SECONDS
        self._resumed = False
        there = ROUNDS.wait_for_nodes(grid, wanted, seconds)
        if there < wanted:  # who did not come, or has left for good, is waited for once
            self._expected = there
        return there

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

    # --- what is told and kept ---
    def _without_result(self, server_round: int, replies: list[Message]) -> None:
        EXCHANGES.tell()
        classes = ", ".join(sorted({reason_of(r) for r in replies if r.has_error()})) or "no trust answered in time"
        text = f"Not one ClientApp returned a result in round {server_round}: {classes}."
        self._empty += 1
        if self._empty >= (most := policy_of_this_run().empty_rounds):
            raise NoClientResults(text)
        post("/relay/v1/notice", {"text": f"{text} The run ends after {most} such rounds in a row."})

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
        self._history.told.append(
            {
                "round": server_round,
                "results": results,
                "failures": failures,
                "train_metrics": {k: v for k, v in (metrics or {}).items()},
            }
        )
        (self._folder / "history.json").write_text(json.dumps({"rounds": self._history.told}, indent=1))


def _grid_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return next((value for value in (*args, *kwargs.values()) if hasattr(value, "get_node_ids")), None)


def _visible(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """How many nodes the Grid among these arguments of a strategy's method sees now; 0 if there is none."""
    grid = _grid_of(args, kwargs)
    return len(list(grid.get_node_ids())) if grid is not None else 0

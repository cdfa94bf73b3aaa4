"""A strategy that charts what it aggregates and keeps the best model, whatever strategy of Flower it is."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, Result

from flip.client import FLIP
from flip.errors import FlipError, InvalidArgument
from flip.flower.arrays import save_npz
from flip.reply_metrics import points_of_reply

if TYPE_CHECKING:
    from flwr.serverapp.strategy import Strategy
else:
    Strategy = object  # a mix-in: the strategy itself comes after it

log = logging.getLogger("flip")

SERVER: Final = "server"
_EVALUATE, _CENTRAL, _TRAIN = "evaluate", "evaluate_fn", "train"
_SOURCES: Final = (_EVALUATE, _CENTRAL, _TRAIN)  # the first of them that knows the metric decides


@dataclass(slots=True)
class _Round:
    number: int
    arrays: ArrayRecord | None = None
    metrics: dict[str, MetricRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Best:
    round: int
    arrays: ArrayRecord
    value: float | None
    score: tuple[int, float] | None  # the larger the better


class FlipStrategyMixin(Strategy):
    """Put before a strategy of `flwr.serverapp.strategy`: `class Best(FlipStrategyMixin, FedAdam): ...`.

    After each round the aggregated metrics are charted under the name `server`, and the model of the best round is
    kept. At the end of `start`, and where it fails on the way, the best model is written as `.npz` (without pickle)
    and kept with `FLIP.upload_results`.

    Parameters
    ----------
    best_metric : name of the metric to choose by, as the clients report it; case does not matter. It is taken from
        the clients' evaluation, else from `evaluate_fn`, else from the training, whose values belong to the models
        before they were averaged. A value of the better source wins over any of a lesser one. None: the last round's
        model is the best.
    mode : "max" or "min".
    flip : a `FLIP`; a new one where none is given.
    model_id : the run config's `flip-model-id`.
    report : chart the aggregated metrics of each round.
    results_name : the file's name, ending in `.npz`; None: nothing is written.
    *args, **kwargs : for the strategy itself.

    Attributes
    ----------
    best_arrays : ArrayRecord of the best round; None before the first.
    best_round : its number, from 1; None before the first.
    best_value : its metric; None where there is none to choose by.
    """

    def __init__(
        self,
        *args: Any,
        best_metric: str | None = None,
        mode: str = "max",
        flip: FLIP | None = None,
        model_id: str | None = None,
        report: bool = True,
        results_name: str | None = "best_model.npz",
        **kwargs: Any,
    ) -> None:
        if mode not in ("max", "min"):
            raise InvalidArgument('mode must be "max" or "min".')
        if results_name is not None and (not results_name.endswith(".npz") or Path(results_name).name != results_name):
            raise InvalidArgument("results_name must be a file name that ends in .npz.")
        super().__init__(*args, **kwargs)
        self._flip = flip or FLIP()
        self._flip_metric, self._flip_mode = best_metric, mode
        self._flip_model_id, self._flip_report, self._flip_results = model_id, report, results_name
        self._flip_round: _Round | None = None  # not settled yet: `evaluate_fn` may still speak
        self._flip_best: _Best | None = None

    @property
    def best_arrays(self) -> ArrayRecord | None:
        self._flip_settle()
        return self._flip_best.arrays if self._flip_best else None

    @property
    def best_round(self) -> int | None:
        self._flip_settle()
        return self._flip_best.round if self._flip_best else None

    @property
    def best_value(self) -> float | None:
        self._flip_settle()
        return self._flip_best.value if self._flip_best else None

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        arrays, metrics = super().aggregate_train(server_round, replies)
        current = self._flip_at(server_round)
        current.arrays = arrays
        self._flip_heard(current, _TRAIN, metrics)
        return arrays, metrics

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        metrics = super().aggregate_evaluate(server_round, replies)
        self._flip_heard(self._flip_at(server_round), _EVALUATE, metrics)
        return metrics

    def start(
        self,
        grid: Grid,
        initial_arrays: ArrayRecord,
        num_rounds: int = 3,
        timeout: float = 3600,
        train_config: ConfigRecord | None = None,
        evaluate_config: ConfigRecord | None = None,
        evaluate_fn: Callable[[int, ArrayRecord], MetricRecord | None] | None = None,
    ) -> Result:
        def heard_evaluate(server_round: int, arrays: ArrayRecord) -> MetricRecord | None:
            metrics = evaluate_fn(server_round, arrays) if evaluate_fn else None
            if server_round > 0:  # the untrained model is no candidate
                self._flip_heard(self._flip_at(server_round), _CENTRAL, metrics)
            return metrics

        try:
            return super().start(
                grid,
                initial_arrays,
                num_rounds,
                timeout,
                train_config,
                evaluate_config,
                heard_evaluate if evaluate_fn else None,
            )
        finally:
            self._flip_keep()

    def save_best(self, path: str | Path) -> Path:
        """Write the best model as `.npz`, each array under its own name; `numpy.load` reads it.

        Raises
        ------
        FlipError : no round has given a model yet (code `no_model`).
        """
        arrays = self.best_arrays
        if arrays is None:
            raise FlipError("No round has given a model to save.", code="no_model")
        save_npz(Path(path), arrays)
        return Path(path)

    def _flip_at(self, server_round: int) -> _Round:
        if self._flip_round is None or self._flip_round.number != server_round:
            self._flip_settle()
            self._flip_round = _Round(server_round)
        return self._flip_round

    def _flip_heard(self, current: _Round, source: str, metrics: MetricRecord | None) -> None:
        if metrics is None:
            return
        current.metrics[source] = metrics
        if not self._flip_report:
            return
        for point in points_of_reply(metrics, current.number):
            self._flip.send_metrics(
                SERVER,
                self._flip_model_id,
                label=point.label,
                value=point.value,
                round=point.round,
                x_value=point.x_value,
                x_label=point.x_label,
            )

    def _flip_settle(self) -> None:
        """Decide on the round that has ended, once: a round without a model (all replies failed) is none."""
        current, self._flip_round = self._flip_round, None
        if current is None or current.arrays is None:
            return
        value, score = self._flip_judge(current)
        best = self._flip_best
        if self._flip_metric is None or best is None or (score and (best.score is None or score > best.score)):
            self._flip_best = _Best(current.number, current.arrays, value, score)

    def _flip_judge(self, current: _Round) -> tuple[float | None, tuple[int, float] | None]:
        if self._flip_metric is None:
            return None, None
        for rank, source in enumerate(_SOURCES):
            for key, value in current.metrics.get(source, MetricRecord()).items():
                named = key.casefold() == self._flip_metric.casefold()
                if named and isinstance(value, Real) and math.isfinite(value):
                    number = float(value)
                    return number, (-rank, number if self._flip_mode == "max" else -number)
        log.warning("round %d has no finite metric %s to choose the best model by", current.number, self._flip_metric)
        return None, None

    def _flip_keep(self) -> None:
        """Never raises: it runs at the end of a training, whose result must not be lost over it."""
        if self.best_arrays is None or self._flip_results is None:
            return
        log.info("the best model is of round %s", self.best_round)
        try:
            with tempfile.TemporaryDirectory(prefix="flip-best-") as folder:
                self._flip.upload_results(self.save_best(Path(folder, self._flip_results)), self._flip_model_id)
        except (FlipError, OSError, ValueError) as exc:
            log.error("the best model could not be kept: %s", exc)
            self._flip.send_handled_exception(exc, SERVER, self._flip_model_id)


class FlipFedAvg(FlipStrategyMixin, FedAvg):
    """Flower's `FedAvg` with charts and the best model; see `FlipStrategyMixin` and `FedAvg` for its parameters."""

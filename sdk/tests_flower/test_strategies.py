"""The mix-in with every strategy of Flower, over a grid in memory; the best model; what is charted and kept."""

import inspect
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import flwr.serverapp.strategy as flower
import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid

from flip import errors
from flip.flower import FlipFedAvg, FlipStrategyMixin

NODES = [101, 102, 103, 104, 105, 106]


class MemoryGrid(Grid):
    """`train` and `evaluate`: (server round, node's place from 0, arrays) -> (arrays or None, metrics)."""

    def __init__(self, train: Callable[..., Any], evaluate: Callable[..., Any]) -> None:
        self.handlers = {"train": train, "evaluate": evaluate}

    def set_run(self, run: Any) -> None: ...

    @property
    def run(self) -> Any:
        raise NotImplementedError

    def create_message(self, *args: Any, **kwargs: Any) -> Message:
        raise NotImplementedError

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        raise NotImplementedError

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        raise NotImplementedError

    def get_node_ids(self) -> Iterable[int]:
        return NODES

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        replies = []
        for message in messages:
            (arrays,) = message.content.array_records.values()
            (config,) = message.content.config_records.values()
            place = NODES.index(message.metadata.dst_node_id)
            answer, metrics = self.handlers[message.metadata.message_type](config["server-round"], place, arrays)
            content = RecordDict({"metrics": MetricRecord({"num-examples": 10 + place, **metrics})})
            if answer is not None:
                content["arrays"] = answer
            replies.append(Message(content, reply_to=message))
        return replies


def numbers(arrays: ArrayRecord) -> np.ndarray:
    return np.concatenate([array.numpy().ravel() for array in arrays.values()])


def moved(server_round: int, place: int, arrays: ArrayRecord) -> tuple[ArrayRecord, dict[str, float]]:
    """Each client moves every weight by 1, and a little of its own."""
    new = {name: array.numpy() + np.float32(1 + place / 100) for name, array in arrays.items()}
    arrays = ArrayRecord({name: _array(value) for name, value in new.items()})
    return arrays, {"train_loss": 1.0 / server_round, "norm_bit": 1}


def _array(value: np.ndarray) -> Array:
    return Array(np.asarray(value, dtype=np.float32))


def initial() -> ArrayRecord:
    return ArrayRecord({"layer.weight": _array(np.zeros((2, 3))), "file": _array(np.zeros(4))})


def scored(*dice: float) -> Callable[..., Any]:
    """An evaluation whose metric of round n is the n-th number."""
    return lambda server_round, place, arrays: (None, {"val_dice": dice[server_round - 1]})


def lines(reports: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (reports / "metrics.jsonl").read_text().splitlines()]


def seed() -> None:
    """Clients are drawn with `random`; the noise of privacy comes from numpy."""
    random.seed(0)
    np.random.seed(0)


TREE: dict[str, Any] = {
    "learner": {
        "gradient_booster": {
            "model": {
                "gbtree_model_param": {"num_trees": "1", "num_parallel_tree": "1"},
                "iteration_indptr": [0, 1],
                "tree_info": [0],
                "trees": [{"id": 0}],
            }
        }
    }
}


def booster() -> ArrayRecord:
    return ArrayRecord([np.frombuffer(json.dumps(TREE).encode(), dtype=np.uint8)])


def one_tree(server_round: int, place: int, arrays: ArrayRecord) -> tuple[ArrayRecord, dict[str, float]]:
    return booster(), {"train_loss": 0.5}


PLAIN = [flower.FedAvg, flower.FedAvgM, flower.FedAdagrad, flower.FedAdam, flower.FedYogi, flower.FedMedian]
PLAIN += [flower.FedProx, flower.FedTrimmedAvg, flower.FedXgbCyclic, flower.Krum, flower.MultiKrum, flower.Bulyan]
DP: dict[Any, dict[str, Any]] = {
    flower.DifferentialPrivacyClientSideAdaptiveClipping: {},
    flower.DifferentialPrivacyServerSideAdaptiveClipping: {},
    flower.DifferentialPrivacyClientSideFixedClipping: {"clipping_norm": 10.0},
    flower.DifferentialPrivacyServerSideFixedClipping: {"clipping_norm": 10.0},
}
CASES: list[tuple[Any, Callable[[], dict[str, Any]]]] = [
    *((strategy, dict) for strategy in PLAIN),
    (flower.FedXgbBagging, dict),
    (flower.QFedAvg, lambda: {"client_learning_rate": 0.1}),
    *(
        (
            strategy,
            lambda more=more: {
                "strategy": flower.FedAvg(),
                "noise_multiplier": 0.1,
                "num_sampled_clients": 6,
                **more,
            },
        )
        for strategy, more in DP.items()
    ),
]


def test_no_strategy_of_flower_is_left_out() -> None:
    there = {cls for cls in vars(flower).values() if inspect.isclass(cls) and issubclass(cls, flower.Strategy)}
    assert {strategy for strategy, _ in CASES} == there - {flower.Strategy}
    assert len(CASES) == 18


@pytest.mark.parametrize(("strategy", "options"), CASES, ids=[strategy.__name__ for strategy, _ in CASES])
def test_every_strategy_trains_two_rounds_and_gives_its_best(
    strategy: Any, options: Callable[[], dict[str, Any]], reports: Path
) -> None:
    trees = strategy is flower.FedXgbBagging
    grid = MemoryGrid(one_tree if trees else moved, scored(0.9, 0.4))
    start = booster() if trees else initial()

    seed()
    bare = strategy(**options()).start(MemoryGrid(one_tree if trees else moved, scored(0.9, 0.4)), start, 1)

    class Best(FlipStrategyMixin, strategy):
        pass

    seed()
    best = Best(best_metric="val_dice", **options())
    result = best.start(grid, start, num_rounds=2)

    assert (best.best_round, best.best_value) == (1, pytest.approx(0.9))
    assert best.best_arrays is not None
    np.testing.assert_allclose(numbers(best.best_arrays), numbers(bare.arrays), rtol=1e-5)
    last = numbers(result.arrays)
    assert last.shape != numbers(best.best_arrays).shape or not np.allclose(last, numbers(best.best_arrays))
    with np.load(reports / "results" / "best_model.npz", allow_pickle=False) as kept:
        assert list(kept) == list(best.best_arrays)
        for name in kept:
            np.testing.assert_array_equal(kept[name], best.best_arrays[name].numpy())
    charted = {(line["label"], line["round"]) for line in lines(reports)}
    assert charted == {(label, number) for label in ("TRAIN_LOSS", "VAL_DICE") for number in (1, 2)}
    assert {line["client_name"] for line in lines(reports)} == {"server"}


@pytest.mark.parametrize(
    ("mode", "dice", "best"),
    [
        ("max", (0.1, 0.7, 0.7, 0.3), 2),  # the first of two equal ones
        ("min", (0.5, 0.2, 0.1, 0.3), 3),
        ("max", (float("nan"), 0.2, 0.1, float("inf")), 2),
        ("min", (float("nan"), 0.2, 0.1, float("-inf")), 3),
    ],
)
def test_the_best_round_by_metric(mode: str, dice: tuple[float, ...], best: int, reports: Path) -> None:
    strategy = FlipFedAvg(best_metric="VAL_Dice", mode=mode)
    strategy.start(MemoryGrid(moved, scored(*dice)), initial(), num_rounds=4)
    assert strategy.best_round == best
    assert strategy.best_arrays is not None
    assert numbers(strategy.best_arrays).mean() == pytest.approx(best, rel=0.1)  # every round moves the weights by 1


def test_without_an_evaluation_the_training_decides(reports: Path) -> None:
    strategy = FlipFedAvg(best_metric="train_loss", mode="min", fraction_evaluate=0.0)
    strategy.start(MemoryGrid(moved, scored()), initial(), num_rounds=3)
    assert (strategy.best_round, strategy.best_value) == (3, pytest.approx(1 / 3))


def test_a_central_evaluation_decides_before_the_training(reports: Path) -> None:
    central = {0: 0.99, 1: 0.2, 2: 0.8, 3: 0.5}
    seen: list[int] = []

    def evaluate(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        seen.append(server_round)
        return MetricRecord({"train_loss": central[server_round]})

    strategy = FlipFedAvg(best_metric="train_loss", fraction_evaluate=0.0)
    result = strategy.start(MemoryGrid(moved, scored()), initial(), num_rounds=3, evaluate_fn=evaluate)
    assert seen == [0, 1, 2, 3]
    assert (strategy.best_round, strategy.best_value) == (2, 0.8)
    assert result.evaluate_metrics_serverapp[3]["train_loss"] == 0.5


def test_a_round_of_a_lesser_source_never_wins(reports: Path) -> None:
    def evaluate(server_round: int, place: int, arrays: ArrayRecord) -> tuple[None, dict[str, float]]:
        return None, {"train_loss" if server_round == 2 else "other": 0.1}

    strategy = FlipFedAvg(best_metric="train_loss")  # 1, 1/2, 1/3 by the training; 0.1 in round 2 by the evaluation
    strategy.start(MemoryGrid(moved, evaluate), initial(), num_rounds=3)
    assert (strategy.best_round, strategy.best_value) == (2, pytest.approx(0.1))


def test_without_a_metric_the_last_round_is_the_best(reports: Path) -> None:
    strategy = FlipFedAvg()
    strategy.start(MemoryGrid(moved, scored(0.9, 0.1)), initial(), num_rounds=2)
    assert (strategy.best_round, strategy.best_value) == (2, None)


def test_a_metric_nobody_reports_is_told(reports: Path, caplog: pytest.LogCaptureFixture) -> None:
    strategy = FlipFedAvg(best_metric="auc")
    strategy.start(MemoryGrid(moved, scored(0.9, 0.1)), initial(), num_rounds=2)
    assert (strategy.best_round, strategy.best_value) == (1, None)
    assert "no finite metric auc" in caplog.text


def test_a_training_that_fails_on_the_way_keeps_its_best(reports: Path) -> None:
    def fails(server_round: int, place: int, arrays: ArrayRecord) -> Any:
        if server_round == 2:
            raise RuntimeError("a round failed")
        return moved(server_round, place, arrays)

    strategy = FlipFedAvg(best_metric="val_dice")
    with pytest.raises(RuntimeError, match="a round failed"):
        strategy.start(MemoryGrid(fails, scored(0.9, 0.1)), initial(), num_rounds=2)
    assert (reports / "results" / "best_model.npz").is_file()


def test_a_result_that_cannot_be_kept_is_reported_and_not_raised(
    reports: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (reports / "results").parent.mkdir()
    (reports / "results").write_text("in the way")
    result = FlipFedAvg().start(MemoryGrid(moved, scored(0.9)), initial(), num_rounds=1)
    assert len(result.arrays) == 2
    assert "could not be kept" in caplog.text
    assert (reports / "exceptions.jsonl").is_file()


def test_charts_and_file_can_be_left_out(reports: Path, tmp_path: Path) -> None:
    strategy = FlipFedAvg(report=False, results_name=None)
    with pytest.raises(errors.FlipError) as caught:
        strategy.save_best(tmp_path / "x.npz")
    assert caught.value.code == "no_model"
    strategy.start(MemoryGrid(moved, scored(0.9)), initial(), num_rounds=1)
    assert not reports.exists()
    with np.load(strategy.save_best(tmp_path / "x.npz"), allow_pickle=False) as kept:
        assert set(kept) == {"layer.weight", "file"}


@pytest.mark.parametrize("wrong", [{"mode": "best"}, {"results_name": "model.pt"}, {"results_name": "../x.npz"}])
def test_wrong_options_are_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidArgument):
        FlipFedAvg(**wrong)

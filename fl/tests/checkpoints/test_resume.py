"""A ServerApp that dies at any moment goes on where it was: the end is the same, to the bit, as if nothing had been."""

import inspect
import random
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flwr.serverapp.strategy as flwr_strategies
import numpy as np
import pytest
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import Result, Strategy
from flwr.supercore.task_identity import TaskIdentity

from flip_fl.checkpoints import FOLDER
from flip_fl.executor import report, watch
from flip_fl.executor.watch import Watch

ROUNDS = 5
SIGNATURE = inspect.signature(Strategy.start)
TRAIN: dict[str, Any] = {"fraction_train": 1.0, "fraction_evaluate": 1.0}


class Killed(BaseException):
    """The process ends here: nothing after it is carried out."""


class Trusts:
    """A grid with two trusts whose reply depends on the model, the round and their number alone."""

    def __init__(self, dies_at: int = 0):
        self.exchanges, self._dies_at = 0, dies_at

    def get_node_ids(self) -> list[int]:
        return [1, 2]

    def get_nodes(self) -> list[Any]:
        return [SimpleNamespace(node_id=n, name=f"trust-{n}") for n in (1, 2)]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        asked = list(messages)
        if not asked:
            return []
        self.exchanges += 1
        if self.exchanges == self._dies_at:
            raise Killed
        return [self._reply(message) for message in asked]

    @staticmethod
    def _reply(message: Message) -> Message:
        number, trust = message.content["config"]["server-round"], message.metadata.dst_node_id
        values = message.content["arrays"].to_numpy_ndarrays()
        metrics = MetricRecord({"num-examples": trust, "loss": float(values[0].sum()) / (number + trust)})
        trained = ArrayRecord(
            [(v * np.float32(0.9) + np.float32(trust / 7 + number / 3)).astype(v.dtype) for v in values]
        )
        records: dict[str, Any] = {"metrics": metrics, "arrays": trained}
        if message.metadata.message_type == "evaluate":
            del records["arrays"]
        return Message(RecordDict(records), reply_to=message)


@pytest.fixture(autouse=True)
def app_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("_task_id", "_run_id", "_node_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)
    monkeypatch.setenv("FLIP_TRUST_COUNT", "2")
    monkeypatch.setattr(report, "post", lambda *_: None)
    return tmp_path


def run_app(
    monkeypatch: pytest.MonkeyPatch, folder: Path, make: Any, trusts: Trusts, starts: int = 1
) -> list[tuple[Result, Strategy]]:
    """What an app's main() does, in a process of its own: seeds, makes its strategy, starts it once or more."""
    monkeypatch.setattr(Watch, "keeper", None)
    monkeypatch.setenv(FOLDER, str(folder / "checkpoint"))
    monkeypatch.setenv("FLIP_RESULTS_DIR", str(folder / "results"))
    random.seed(1)
    np.random.seed(1)
    arrays, done = ArrayRecord([np.linspace(0, 1, 6, dtype=np.float32), np.zeros((2, 2))]), []
    for _ in range(starts):
        strategy = make()
        call = SIGNATURE.bind(
            strategy,
            trusts,
            arrays,
            ROUNDS,
            evaluate_fn=lambda n, a: MetricRecord({"sum": float(a["0"].numpy().sum())}),
        )
        result = Watch(strategy, arrays).around(Strategy.start, call)
        arrays = result.arrays
        done.append((result, strategy))
    return done


def told(result: Result) -> Any:
    kinds = (
        result.train_metrics_clientapp,
        result.evaluate_metrics_clientapp,
        result.evaluate_metrics_serverapp,
    )
    return [{number: dict(record) for number, record in kind.items()} for kind in kinds]


def model(result: Result) -> list[bytes]:
    return [array.numpy().tobytes() for array in result.arrays.values()]


def private(strategy: str, **settings: float) -> Any:
    wrapper = getattr(flwr_strategies, strategy)
    return lambda: wrapper(flwr_strategies.FedAvg(**TRAIN), noise_multiplier=0.1, num_sampled_clients=2, **settings)


STRATEGIES: dict[str, Any] = {
    "FedAvg": lambda: flwr_strategies.FedAvg(**TRAIN),
    "FedProx": lambda: flwr_strategies.FedProx(**TRAIN, proximal_mu=0.1),
    "FedAvgM": lambda: flwr_strategies.FedAvgM(**TRAIN, server_learning_rate=0.5, server_momentum=0.9),
    "FedAdam": lambda: flwr_strategies.FedAdam(**TRAIN, beta_1=0.9, beta_2=0.99),
    "FedYogi": lambda: flwr_strategies.FedYogi(**TRAIN, beta_1=0.9, beta_2=0.99),
    "FedAdagrad": lambda: flwr_strategies.FedAdagrad(**TRAIN),
    "FedMedian": lambda: flwr_strategies.FedMedian(**TRAIN),
    "DP fixed": private("DifferentialPrivacyServerSideFixedClipping", clipping_norm=1.0),
    "DP adaptive": private("DifferentialPrivacyServerSideAdaptiveClipping", initial_clipping_norm=1.0),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_killed_in_any_round_the_model_and_history_are_the_same(monkeypatch, tmp_path, name):
    make = STRATEGIES[name]
    [(undisturbed, _)] = run_app(monkeypatch, tmp_path / "whole", make, Trusts())
    for dies_at in range(1, 2 * ROUNDS + 1):  # each round is a training and an evaluation
        folder = tmp_path / str(dies_at)
        with pytest.raises(Killed):
            run_app(monkeypatch, folder, make, Trusts(dies_at))
        again = Trusts()
        [(resumed, _)] = run_app(monkeypatch, folder, make, again)
        assert model(resumed) == model(undisturbed), dies_at
        assert told(resumed) == told(undisturbed)
        assert again.exchanges == 2 * ROUNDS - (dies_at - 1) // 2 * 2  # finished rounds are not done again
        written = [folder / "results" / "history.json", tmp_path / "whole" / "results" / "history.json"]
        assert written[0].read_text() == written[1].read_text()


def test_killed_again_and_again_it_still_ends_the_same(monkeypatch, tmp_path):
    make = STRATEGIES["FedAdam"]
    [(undisturbed, _)] = run_app(monkeypatch, tmp_path / "whole", make, Trusts())
    for _ in range(ROUNDS - 1):
        with pytest.raises(Killed):
            run_app(monkeypatch, tmp_path / "cut", make, Trusts(dies_at=3))  # a round and a half each time
    [(resumed, _)] = run_app(monkeypatch, tmp_path / "cut", make, Trusts())
    assert model(resumed) == model(undisturbed)


def test_an_app_with_several_strategies_goes_on_in_the_one_it_was_in(monkeypatch, tmp_path):
    make = STRATEGIES["FedYogi"]
    whole = run_app(monkeypatch, tmp_path / "whole", make, Trusts(), starts=3)
    with pytest.raises(Killed):
        run_app(monkeypatch, tmp_path / "cut", make, Trusts(dies_at=2 * ROUNDS + 5), starts=3)
    again = Trusts()
    cut = run_app(monkeypatch, tmp_path / "cut", make, again, starts=3)
    assert [model(result) for result, _ in cut] == [model(result) for result, _ in whole]
    assert [told(result) for result, _ in cut] == [told(result) for result, _ in whole]
    assert again.exchanges == 4 * ROUNDS - 4


def test_a_strategy_of_the_apps_own_keeps_what_changes_in_it(monkeypatch, tmp_path):
    class Tracker:
        def __init__(self) -> None:
            self.best, self.seen = 0.0, {}

    class Own(flwr_strategies.FedAvg):
        def __init__(self) -> None:
            super().__init__(**TRAIN)
            self.tracker, self.count, self.steps = Tracker(), np.int64(0), []

        def aggregate_train(self, server_round: int, replies: Iterable[Message]) -> Any:
            self.count += 1
            self.tracker.seen[server_round] = float(self.count)
            self.steps.append((server_round, random.random()))
            return super().aggregate_train(server_round, replies)

    [(_, whole)] = run_app(monkeypatch, tmp_path / "whole", Own, Trusts())
    with pytest.raises(Killed):
        run_app(monkeypatch, tmp_path / "cut", Own, Trusts(dies_at=7))
    [(_, own)] = run_app(monkeypatch, tmp_path / "cut", Own, Trusts())
    assert (own.count, own.tracker.seen, own.steps) == (whole.count, whole.tracker.seen, whole.steps)
    assert type(own.count) is np.int64


def test_a_checkpoint_that_was_damaged_is_told_and_not_used(monkeypatch, tmp_path):
    said: list[Any] = []
    monkeypatch.setattr("flip_fl.checkpoints.keeper.post", lambda *a: said.append(a))
    make = STRATEGIES["FedAvg"]
    [(undisturbed, _)] = run_app(monkeypatch, tmp_path / "whole", make, Trusts())
    with pytest.raises(Killed):
        run_app(monkeypatch, tmp_path / "cut", make, Trusts(dies_at=5))
    tensors = next((tmp_path / "cut" / "checkpoint").glob("*.safetensors"))
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"x")
    again = Trusts()
    [(resumed, _)] = run_app(monkeypatch, tmp_path / "cut", make, again)
    assert again.exchanges == 2 * ROUNDS
    assert model(resumed) == model(undisturbed)
    assert "begins again with round 1" in said[0][1]["text"]


def test_old_tensors_do_not_pile_up(monkeypatch, tmp_path):
    run_app(monkeypatch, tmp_path, STRATEGIES["FedAdam"], Trusts())
    assert len(list((tmp_path / "checkpoint").glob("*"))) == 3  # the model, the strategy's state, the record


def test_nothing_is_kept_where_the_run_does_not_want_it(monkeypatch, tmp_path):
    monkeypatch.setattr(Watch, "keeper", None)
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.setenv("FLIP_RESULTS_DIR", str(tmp_path / "results"))
    strategy, arrays = STRATEGIES["FedAvg"](), ArrayRecord([np.zeros(2, np.float32)])
    Watch(strategy, arrays).around(Strategy.start, SIGNATURE.bind(strategy, Trusts(), arrays, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_started_strategy_is_as_it_was_made_but_for_its_state(monkeypatch, tmp_path):
    """An app may start the same strategy twice: it is watched once each time."""
    made = STRATEGIES["FedAvg"]()
    [(first, _)] = run_app(monkeypatch, tmp_path, lambda: made, Trusts())
    assert not set(watch.HOOKED) & set(vars(made))
    assert first.train_metrics_clientapp

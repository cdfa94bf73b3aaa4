"""What an app's process does beyond Flower: progress, thresholds, the model after a round, and silent exceptions."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.common.constant import ErrorCode
from flwr.serverapp.strategy import DifferentialPrivacyServerSideFixedClipping, FedAvg
from flwr.supercore.task_identity import TaskIdentity
from safetensors.numpy import load_file

from flip_fl.executor import client_hooks, report, server_hooks
from flip_fl.executor.exchanges import reason_of
from flip_fl.executor.watch import NoClientResults, Watch

PLACE = "/data/work/flwr/apps/flip.probe-app.1.0.0.abcd/app/client_app.py"


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict]]:
    """What would go to the platform; only the network is replaced."""
    requests: list[tuple[str, dict]] = []

    def take(request: Any, timeout: float) -> Any:
        assert request.get_header("Authorization") == "Bearer run-token"
        requests.append((request.full_url.removeprefix("http://127.0.0.1:9"), json.loads(request.data)))
        return nullcontext()

    monkeypatch.setattr(report, "_open", take)
    monkeypatch.setenv("FLIP_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FLIP_RUN_TOKEN", "run-token")
    return requests


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("_task_id", "_run_id", "_node_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)
    monkeypatch.setenv("FLIP_RESULTS_DIR", str(tmp_path / "results"))
    monkeypatch.setenv("FLIP_TRUST_COUNT", "2")
    monkeypatch.setenv(client_hooks.TURN, "")  # what a call sets is undone
    return tmp_path / "results"


def asked(node: int = 7) -> Message:
    return Message(RecordDict(), node, "train")


def result(*arrays: np.ndarray, examples: int = 1, **metrics: float) -> Message:
    content = RecordDict(
        {
            "arrays": ArrayRecord({f"t{i}": _array(a) for i, a in enumerate(arrays)}),
            "metrics": MetricRecord({"num-examples": examples, **metrics}),
        }
    )
    return Message(content, reply_to=asked())


def _array(value: np.ndarray) -> Any:
    from flwr.app import Array

    return Array(value)


def failed(reason: str, code: int = ErrorCode.CLIENT_APP_RAISED_EXCEPTION) -> Message:
    return Message(Error(code, reason), reply_to=asked())


def initial(*arrays: np.ndarray) -> ArrayRecord:
    return ArrayRecord({f"t{i}": _array(a) for i, a in enumerate(arrays)})


def watched(strategy: Any, arrays: ArrayRecord | None = None) -> Any:
    Watch(strategy, arrays or initial(np.zeros(2, np.float32))).install()
    return strategy


def raised(source: str, filename: str = PLACE) -> BaseException:
    try:
        exec(compile(source, filename, "exec"), {})
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError("nothing was raised")


# --- rounds ---
def test_a_round_without_any_result_raises_with_the_classes_of_the_errors(posted):
    strategy = watched(FedAvg())
    replies = [
        failed("<class 'RuntimeError'>:<'details are in the trust's log (app/client_app.py:24)'>"),
        failed("ClientAppExited: code 3", ErrorCode.CLIENT_APP_CRASHED),
    ]
    with pytest.raises(NoClientResults) as caught:
        strategy.aggregate_train(2, replies)
    text = str(caught.value)
    assert "round 2" in text
    assert "RuntimeError: details are in the trust's log (app/client_app.py:24)" in text
    assert "ClientAppExited: code 3" in text


def test_a_round_that_nobody_answered_says_so(posted):
    with pytest.raises(NoClientResults, match="no trust answered in time"):
        watched(FedAvg()).aggregate_train(1, [])


def test_a_round_is_told_even_when_it_has_no_result(posted):
    with pytest.raises(NoClientResults):
        watched(FedAvg()).aggregate_train(1, [failed("<class 'app.Odd'>:<'x'>")])
    assert posted == [
        (
            "/relay/v1/round-done",
            {"round": 1, "phase": "train", "results": 0, "failures": 1, "errors": ["Odd: x"]},
        )
    ]


def test_one_result_is_enough_for_a_round(posted):
    arrays, _ = watched(FedAvg()).aggregate_train(1, [result(np.ones(2, np.float32)), failed("late")])
    assert arrays is not None
    assert posted[-1][1] == {"round": 1, "phase": "train", "results": 1, "failures": 1, "errors": ["late"]}


def test_an_error_without_a_reason_is_told_by_its_code(posted):
    with pytest.raises(NoClientResults, match=f"error {ErrorCode.NODE_UNAVAILABLE}"):
        watched(FedAvg()).aggregate_train(1, [failed("", ErrorCode.NODE_UNAVAILABLE)])


def test_an_evaluation_is_told_and_an_empty_one_is_not(posted):
    strategy = watched(FedAvg())
    strategy.aggregate_evaluate(1, [])
    assert posted == []
    strategy.aggregate_evaluate(1, [failed("late")])
    assert posted[0][1]["phase"] == "evaluate"


# --- thresholds ---
def test_thresholds_above_the_number_of_trusts_are_lowered_and_told(posted, monkeypatch):
    monkeypatch.setenv("FLIP_TRUST_COUNT", "1")
    strategy = watched(FedAvg(min_train_nodes=5, min_available_nodes=3))
    assert (strategy.min_train_nodes, strategy.min_evaluate_nodes, strategy.min_available_nodes) == (1, 1, 1)
    texts = [body["text"] for path, body in posted if path == "/relay/v1/notice"]
    assert texts[0] == "FedAvg.min_train_nodes was 5; this run has 1 trust(s), so it is 1."
    assert len(texts) == 3


def test_thresholds_that_the_trusts_can_meet_stay(posted, monkeypatch):
    monkeypatch.setenv("FLIP_TRUST_COUNT", "4")
    strategy = watched(FedAvg(min_train_nodes=3))
    assert (strategy.min_train_nodes, strategy.min_available_nodes) == (3, 2)
    assert posted == []


def test_a_wrapped_strategys_thresholds_are_lowered_too(posted, monkeypatch):
    monkeypatch.setenv("FLIP_TRUST_COUNT", "1")
    inner = FedAvg()
    watched(DifferentialPrivacyServerSideFixedClipping(inner, 1.0, 1.0, 1))
    assert (inner.min_train_nodes, inner.min_available_nodes) == (1, 1)


# --- the model ---
def test_the_model_of_a_round_is_kept_with_the_dtypes_it_began_with(posted, place):
    start = [np.zeros(2, np.float32), np.array(0, np.int64), np.zeros(2, np.float16), np.zeros(1, np.int32)]
    ones = [np.array([1, 2], np.float32), np.array(3, np.int64), np.ones(2, np.float16), np.array([10], np.int32)]
    twos = [np.array([3, 4], np.float32), np.array(4, np.int64), np.ones(2, np.float16), np.array([11], np.int32)]
    watched(FedAvg(), initial(*start)).aggregate_train(1, [result(*ones, examples=1), result(*twos, examples=3)])
    kept = load_file(place / "model.safetensors")
    assert [kept[f"t{i}"].dtype for i in range(4)] == [a.dtype for a in start]
    assert kept["t0"].tolist() == [2.5, 3.5]
    assert (kept["t1"].item(), kept["t3"].item()) == (4, 11)  # 3.75 and 10.75, rounded


def test_a_scalar_buffer_stays_a_scalar(posted, place):
    watched(FedAvg(), initial(np.array(0, np.int64))).aggregate_train(1, [result(np.array(3, np.int64))])
    assert load_file(place / "model.safetensors")["t0"].shape == ()


def test_the_last_round_replaces_the_model_and_extends_the_history(posted, place):
    strategy = watched(FedAvg())
    strategy.aggregate_train(1, [result(np.ones(2, np.float32), loss=0.5)])
    strategy.aggregate_train(2, [result(np.full(2, 7, np.float32), loss=0.25), failed("late")])
    assert load_file(place / "model.safetensors")["t0"].tolist() == [7, 7]
    rounds = json.loads((place / "history.json").read_text())["rounds"]
    assert [(r["round"], r["results"], r["failures"], r["train_metrics"]["loss"]) for r in rounds] == [
        (1, 1, 0, 0.5),
        (2, 1, 1, 0.25),
    ]
    assert sorted(p.name for p in place.iterdir()) == ["history.json", "model.safetensors"]


def test_a_failed_round_leaves_the_last_good_model(posted, place):
    strategy = watched(FedAvg())
    strategy.aggregate_train(1, [result(np.ones(2, np.float32))])
    with pytest.raises(NoClientResults):
        strategy.aggregate_train(2, [failed("late")])
    assert load_file(place / "model.safetensors")["t0"].tolist() == [1, 1]


# --- the end of a ServerApp ---
def test_a_run_without_results_is_told_apart_from_a_servers_own_exception(posted):
    server_hooks._tell_failure(NoClientResults("Not one."))
    server_hooks._tell_failure(raised("\n\nraise ValueError('bad day')"))
    assert posted == [
        ("/relay/v1/failure", {"reason": "no_client_results", "text": "Not one."}),
        ("/relay/v1/failure", {"reason": "server_app_raised", "text": "ValueError: bad day (app/client_app.py:3)"}),
    ]


def test_a_report_that_cannot_be_sent_does_not_end_the_training(monkeypatch):
    def refuse(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr(report, "_open", refuse)
    monkeypatch.setenv("FLIP_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FLIP_RUN_TOKEN", "run-token")
    report.post("/relay/v1/notice", {"text": ""})


# --- ClientApps ---
def test_an_exception_keeps_its_class_and_place_and_loses_its_text(posted, capsys):
    stripped = client_hooks._stripped(raised("\nraise RuntimeError('row 17 of patient X')"))
    assert str(type(stripped)) == "<class 'RuntimeError'>"
    assert str(stripped) == "details are in the trust's log (app/client_app.py:2)"
    assert stripped.__cause__ is None
    assert "patient" not in repr(posted)
    assert posted == [("/data/v1/exceptions", {"error_class": "RuntimeError", "text": str(stripped)})]
    assert "row 17 of patient X" in capsys.readouterr().err  # the trust's own log


def test_an_apps_own_exception_class_keeps_its_name(posted):
    stripped = client_hooks._stripped(raised("class Odd(Exception): ...\nraise Odd('patient X')"))
    assert type(stripped).__name__ == "Odd"
    assert "patient" not in str(stripped)


def test_a_missing_module_is_named(posted):
    stripped = client_hooks._stripped(raised("import no_such_module_here"))
    assert str(stripped) == "no module named no_such_module_here on the platform image (app/client_app.py:1)"


def test_an_exception_outside_the_app_has_no_place(posted):
    stripped = client_hooks._stripped(raised("raise KeyError('patient X')", "/usr/lib/other.py"))
    assert str(stripped) == "details are in the trust's log"


def test_what_a_clientapp_raises_reaches_flower_without_its_text_or_its_cause(posted):
    def app(message: Any, context: Any) -> Any:
        raise ValueError("patient X")

    with pytest.raises(Exception, match="details are in the trust's log") as caught:
        client_hooks._call(app, asked(), None)
    assert caught.value.__suppress_context__
    assert type(caught.value).__name__ == "ValueError"


def test_a_clientapp_that_works_is_left_alone(posted):
    message = asked()
    assert client_hooks._call(lambda message, context: (message, context), message, "c") == (message, "c")
    assert posted == []


def test_a_shape_that_flower_gives_a_reason_is_taken_apart_and_others_stay():
    stripped = "<class 'RuntimeError'>:<'details are in the trust's log'>"
    assert reason_of(failed(stripped)) == "RuntimeError: details are in the trust's log"
    assert reason_of(failed("The FAB could not be verified.")) == "The FAB could not be verified."


# --- what a message's work is called ---
def test_the_same_round_of_the_same_trust_is_the_same_work(monkeypatch):
    monkeypatch.setenv("SUPERNODE_NAME", "alpha")

    def turn(number: int, kind: str = "train", group: str = "", message_id: str = "") -> str:
        content = RecordDict({"config": ConfigRecord({"server-round": number})}) if number else RecordDict()
        message = Message(content, 7, kind, group_id=group)
        message.metadata.__dict__["_message_id"] = message_id
        return client_hooks.turn_of(message)

    assert turn(3, message_id="a") == turn(3, message_id="b")
    kinds = {turn(3), turn(4), turn(3, "evaluate"), turn(3, group="start-2"), turn(0, message_id="a")}
    assert len({*kinds, turn(0, message_id="b")}) == 6
    before = turn(3)
    monkeypatch.setenv("SUPERNODE_NAME", "beta")
    assert turn(3) != before

"""A reply's MetricRecord becomes points: grammar, what is left out, and no point twice."""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from flip import FLIP, _metrics, protocol
from flip.reply_metrics import ReplyPoint, forward, parse_key, points_of_reply, recording


@pytest.mark.parametrize(
    ("key", "parsed"),
    [
        ("train_loss", ("TRAIN_LOSS", "round", None)),
        ("TRAIN_LOSS", ("TRAIN_LOSS", "round", None)),
        ("val_dice@epoch", ("VAL_DICE", "epoch", None)),
        ("val_dice@epoch.x_12", ("VAL_DICE", "epoch", 12.0)),
        ("val_dice.x_3", ("VAL_DICE", "round", 3.0)),
        ("val_dice@round.x_3", ("VAL_DICE", "round", 3.0)),
        ("lr@step.x_-0.5", ("LR", "step", -0.5)),
        ("lr@rate.x_1e-3", ("LR", "rate", 0.001)),
        ("auc.v2@Epoch No.x_7", ("AUC.V2", "Epoch No", 7.0)),
        ("a.x_1.x_2", ("A.X_1", "round", 2.0)),
        ("loss.x_last", ("LOSS.X_LAST", "round", None)),
        ("loss.x_", ("LOSS.X_", "round", None)),
        ("loss.x_nan", ("LOSS.X_NAN", "round", None)),
        ("loss.x_1e999", ("LOSS.X_1E999", "round", None)),
        ("loss.x_3@epoch", ("LOSS.X_3", "epoch", None)),
        (".x_3", ("M.X_3", "round", None)),
        ("@epoch", ("M@EPOCH", "round", None)),
        ("loss@", ("LOSS@", "round", None)),
        ("loss@.x_3", ("LOSS@", "round", 3.0)),
        ("a@b@c", ("A", "b@c", None)),
        ("val loss %", ("VAL_LOSS__", "round", None)),
        ("", ("M", "round", None)),
        ("2nd_loss", ("M2ND_LOSS", "round", None)),
        ("l" * 100, ("L" * 64, "round", None)),
    ],
)
def test_the_grammar_of_keys(key: str, parsed: tuple[str, str, float | None]) -> None:
    assert parse_key(key) == parsed


def test_every_label_of_the_grammar_is_one_the_platform_takes() -> None:
    from flip._labels import accepted_label

    for key in ("", "@", ".x_1", "ü", "ß" * 70, "a@b.x_1", "-x", "straße@epoch"):
        label, x_label, _ = parse_key(key)
        assert accepted_label(label) == label
        assert 0 < len(x_label) <= 64


def test_numbers_become_points_in_order() -> None:
    metrics = {"train_loss": 0.5, "val_dice@epoch.x_4": 1, "num-examples": 40, "num-iterations": 3, "norm_bit": 1}
    assert points_of_reply(metrics, 2) == [
        ReplyPoint("TRAIN_LOSS", 0.5, 2, "round", None),
        ReplyPoint("VAL_DICE", 1.0, 2, "epoch", 4.0),
    ]


def test_numpy_numbers_count_as_numbers() -> None:
    import numpy as np

    metrics = {"a": np.float32(0.5), "b": np.int64(3), "c": np.float64("nan")}
    assert [(point.label, point.value) for point in points_of_reply(metrics, 1)] == [("A", 0.5), ("B", 3.0)]


def test_what_is_no_finite_number_is_left_out_and_told_without_its_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    metrics: dict[str, object] = {
        "CANARY": float("nan"),
        "b": float("inf"),
        "c": 10**400,
        "d": [0.1, 0.2],
        "e": [],
        "f": True,
        "g": "0.5",
        "h": None,
        "i": 1 + 2j,
        "fine": 1,
    }
    assert [point.label for point in points_of_reply(metrics, 1)] == ["FINE"]
    assert "3 entries" in caplog.text
    assert "2 lists" in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize(
    ("key", "sent", "kept"),
    [
        ("train_loss", set(), True),
        ("train_loss", {("TRAIN_LOSS", "round", 3.0)}, False),
        ("train_loss", {("train_loss", "round", 3)}, False),
        ("train_loss", {("TRAIN_LOSS", "round", 5.0), ("TRAIN_LOSS", "round", 6.0)}, False),  # counts local epochs
        ("train_loss", {("TRAIN_LOSS", "epoch", 3.0)}, True),  # another chart
        ("train_loss", {("VAL_LOSS", "round", 3.0)}, True),
        ("train_loss.x_5", {("TRAIN_LOSS", "round", 5.0)}, False),
        ("train_loss.x_6", {("TRAIN_LOSS", "round", 5.0)}, True),
        ("train_loss@epoch.x_5", {("TRAIN_LOSS", "epoch", 5.0)}, False),
        ("train_loss@epoch.x_5", {("TRAIN_LOSS", "round", 5.0)}, True),
        ("train_loss@epoch", {("TRAIN_LOSS", "epoch", 3.0)}, False),
        ("train_loss@epoch", {("TRAIN_LOSS", "epoch", 4.0)}, True),
        ("train loss", {("TRAIN_LOSS", "round", 3.0)}, False),  # repaired to the same label
    ],
)
def test_no_point_twice_when_an_app_does_both(key: str, sent: set[tuple[str, str, float]], kept: bool) -> None:
    assert bool(points_of_reply({key: 0.5}, 3, sent)) is kept


def test_two_keys_for_one_place_give_one_point() -> None:
    points = points_of_reply({"loss": 1.0, "LOSS": 2.0, "loss.x_2": 3.0, "loss.x_4": 4.0}, 2)
    assert [(point.value, point.x) for point in points] == [(1.0, 2.0), (4.0, 4.0)]


def test_a_recording_holds_what_was_sent_in_it_and_no_more(as_client: Any) -> None:
    flip = FLIP()
    flip.send_metrics("t", "m", "BEFORE", 1.0, round=1)
    with recording() as sent:
        flip.send_metrics("t", "m", "train_loss", 1.0, round=2)
        flip.send_metrics("t", "m", "VAL_DICE", 1.0, round=2, x_label="epoch", x_value=7)
        flip.send_metrics("t", "m", "REFUSED", float("nan"), round=2)
    flip.send_metrics("t", "m", "AFTER", 1.0, round=3)
    assert sent == {("TRAIN_LOSS", "round", 2.0), ("VAL_DICE", "epoch", 7.0)}


def test_clients_in_threads_do_not_see_each_others_points(as_client: Any) -> None:
    both, seen = threading.Barrier(2), {}

    def client(name: str) -> None:
        with _metrics.recording() as sent:
            both.wait(5)
            FLIP().send_metrics(name, "m", f"LOSS_{name}", 1.0, round=1)
            both.wait(5)
        seen[name] = sent

    threads = [threading.Thread(target=client, args=(name,)) for name in ("A", "B")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"A": {("LOSS_A", "round", 1.0)}, "B": {("LOSS_B", "round", 1.0)}}


def test_a_thread_that_the_app_starts_is_recorded(as_client: Any) -> None:
    with recording() as sent:
        thread = threading.Thread(target=FLIP().send_metrics, args=("t", "m", "LOSS", 1.0, 1))
        thread.start()
        thread.join()
    assert sent == {("LOSS", "round", 1.0)}


def test_a_recording_ends_with_an_exception_too(as_client: Any) -> None:
    with pytest.raises(ValueError, match="app failed"), recording() as sent:
        raise ValueError("app failed")
    FLIP().send_metrics("t", "m", "LOSS", 1.0, round=1)
    assert sent == set()


def test_forwarding_sends_what_the_app_did_not(as_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(protocol.ENV_SUPERNODE_NAME, "trust-alpha")
    flip = FLIP()
    with recording() as sent:
        flip.send_metrics("trust-alpha", "m", "TRAIN_LOSS", 0.5, round=4)
    assert forward({"train_loss": 0.5, "val_dice@epoch.x_9": 0.8, "num-examples": 3}, 4, sent) == 1
    assert flip.flush()
    app, forwarded = as_client.points()
    assert app["label"] == "TRAIN_LOSS"
    wanted = {"label": "VAL_DICE", "value": 0.8, "round": 4, "x_label": "epoch", "x_value": 9.0}
    assert {name: forwarded[name] for name in wanted} == wanted
    assert forwarded["client_name"] == "trust-alpha"


def test_forwarding_works_in_a_local_run(tmp_path: Path) -> None:
    assert forward({"val_auc": 0.9}, 1, client_name="trust-2", model_id="m") == 1
    (file,) = tmp_path.rglob("metrics.jsonl")
    line = json.loads(file.read_text())
    assert (line["label"], line["client_name"], line["model_id"], line["round"]) == ("VAL_AUC", "trust-2", "m", 1)

"""`send_metrics`: never in the way, never lost."""

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from flip import FLIP, protocol

SEND_AND_END = """
from flip import FLIP
flip = FLIP()
for i in range({count}):
    flip.send_metrics("trust-alpha", "m", label="TRAIN_LOSS", value=i, round=i)
{end}
"""


def send_and_end(platform: Any, count: int, end: str = "") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", SEND_AND_END.format(count=count, end=end)],
        env={**os.environ, **platform.environment("client")},
        capture_output=True,
        timeout=30,
    )


def test_a_point_has_everything_the_contract_wants(as_client: Any) -> None:
    flip = FLIP()
    flip.send_metrics("trust-alpha", "m", label="VAL_DICE", value=0.5, round=2)
    flip.send_metrics("trust-alpha", "m", "VAL_LOSS", 0.25, global_round=3, x_value=30, x_label="epoch")
    assert flip.flush()
    first, second = as_client.points()
    assert (first["label"], first["value"], first["round"], first["x_label"], first["x_value"]) == (
        ("VAL_DICE", 0.5, 2, "round", None)
    )
    assert (second["round"], second["x_label"], second["x_value"]) == (3, "epoch", 30.0)
    assert first["client_name"] == "trust-alpha"
    assert first["id"] != second["id"]
    assert {path for _, path, _, _ in as_client.requests} == {protocol.DATA_METRICS_PATH}


def test_nan_and_infinity_are_refused_with_a_warning(as_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    for value in (float("nan"), float("inf"), "no number"):
        FLIP().send_metrics("t", "m", "TRAIN_LOSS", value, round=1)
    assert FLIP().flush()
    assert as_client.points() == []
    assert len(caplog.records) == 3


def test_a_label_with_other_characters_is_repaired(as_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    FLIP().send_metrics("t", "m", "_val loss %", 1, round=1)
    FLIP().flush()
    assert as_client.points()[0]["label"] == "M_val_loss__"
    assert "changed" in caplog.text


def test_a_slow_platform_never_blocks_training(as_client: Any) -> None:
    as_client.delay = 2.0
    flip, slowest = FLIP(), 0.0
    for i in range(50):
        start = time.perf_counter()
        flip.send_metrics("t", "m", "TRAIN_LOSS", 1.0, round=i)
        slowest = max(slowest, time.perf_counter() - start)
        time.sleep(0.005)
    assert slowest < 1.0  # half an answer of the platform; `benchmarks/sdk.py` has the figures
    assert flip.flush()
    assert {point["round"] for point in as_client.points()} == set(range(50))


def test_points_go_out_by_themselves(as_client: Any) -> None:
    FLIP().send_metrics("t", "m", "TRAIN_LOSS", 1.0, round=1)
    deadline = time.monotonic() + 5
    while not as_client.points() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(as_client.points()) == 1


def test_a_failing_platform_gets_the_same_points_again(as_client: Any) -> None:
    failing = (500, {"code": "internal", "message": "A bug."})
    as_client.answers["POST", protocol.DATA_METRICS_PATH] = [failing, (202, None)]
    FLIP().send_metrics("t", "m", "TRAIN_LOSS", 1.0, round=1)
    assert FLIP().flush()
    first, second = as_client.points()
    assert first["id"] == second["id"]


def test_nothing_is_lost_when_the_platform_is_down_first(
    as_client: Any, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv(protocol.ENV_URL, f"http://127.0.0.1:{free_port}")  # nobody listens there yet
    flip, slowest = FLIP(), 0.0
    for i in range(700):
        start = time.perf_counter()
        flip.send_metrics("t", "m", "TRAIN_LOSS", i, round=i)
        slowest = max(slowest, time.perf_counter() - start)
    assert slowest < 1.0
    assert not flip.flush(0.3)
    platform = type(as_client)(free_port)
    try:
        deadline = time.monotonic() + 10  # in the background, without another call
        while len(platform.points()) < 700 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [point["round"] for point in platform.points()] == list(range(700))
        assert len({point["id"] for point in platform.points()}) == 700
        assert flip.flush(0.1)
    finally:
        platform.stop()


def test_nothing_is_lost_when_the_platform_goes_away_in_between(as_client: Any) -> None:
    port, flip = as_client.server.server_port, FLIP()
    flip.send_metrics("t", "m", "LOSS", 1.0, round=1)
    assert flip.flush()
    as_client.stop()
    flip.send_metrics("t", "m", "LOSS", 2.0, round=2)
    assert not flip.flush(0.3)
    again = type(as_client)(port)
    try:
        assert flip.flush()
        assert [point["round"] for point in again.points()] == [2]
    finally:
        again.stop()


def test_a_process_that_ends_while_the_platform_is_down_waits_for_it(as_client: Any, free_port: int) -> None:
    environment = {**as_client.environment("client"), protocol.ENV_URL: f"http://127.0.0.1:{free_port}"}
    process = subprocess.Popen(
        [sys.executable, "-c", SEND_AND_END.format(count=3, end="print('ended', flush=True)")],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ended\n"
    platform = type(as_client)(free_port)
    try:
        assert process.wait(20) == 0
        assert [point["round"] for point in platform.points()] == [0, 1, 2]
    finally:
        process.stdout.close()
        platform.stop()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_platform_is_asked_again_later(as_client: Any, status: int) -> None:
    as_client.answers["POST", protocol.DATA_METRICS_PATH] = [(status, None), (202, None)]
    FLIP().send_metrics("t", "m", "TRAIN_LOSS", 1.0, round=1)
    assert FLIP().flush()
    assert len({point["id"] for point in as_client.points()}) == 1
    assert len(as_client.points()) == 2


def test_points_travel_together(as_client: Any) -> None:
    flip = FLIP()
    for i in range(900):
        flip.send_metrics("t", "m", "TRAIN_LOSS", i, round=i)
    assert flip.flush()
    assert len(as_client.requests) < 90  # a busy machine sends smaller batches
    assert [point["round"] for point in as_client.points()] == list(range(900))


def test_one_bad_point_does_not_take_the_others_with_it(as_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    taken: list[int] = []

    def answer(body: Any) -> tuple[int, Any]:
        if any(point["label"] == "CANARY" for point in body["points"]):
            return 422, {"code": "metric_refused", "message": "No."}
        taken.extend(point["round"] for point in body["points"])
        return 202, None

    as_client.answers["POST", protocol.DATA_METRICS_PATH] = [answer]
    flip = FLIP()
    for i in range(300):
        flip.send_metrics("t", "m", "CANARY" if i in (7, 170, 299) else "LOSS", i, round=i)
    assert flip.flush()
    assert taken == [i for i in range(300) if i not in (7, 170, 299)]
    assert "metric_refused" in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize("given", [1.5, -1, float("nan"), "x", 2**31, 10**400])
def test_a_round_that_is_none_is_refused_with_a_warning(
    as_client: Any, caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    FLIP().send_metrics("t", "m", "LOSS", 1.0, round=given)
    assert FLIP().flush()
    assert as_client.points() == []
    assert "was not sent" in caplog.text


def test_numbers_of_other_libraries_are_taken(as_client: Any) -> None:
    import numpy as np

    FLIP().send_metrics("t", "m", "LOSS", np.float32(0.5), round=np.int64(3), x_value=np.float64(2), x_label="epoch")
    assert FLIP().flush()
    (point,) = as_client.points()
    assert (point["value"], point["round"], point["x_value"]) == (0.5, 3, 2.0)


def test_a_url_that_is_none_ends_no_training(as_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(protocol.ENV_URL, "http://127.0.0.1:port")
    FLIP().send_metrics("t", "m", "LOSS", 1.0, round=1)
    assert not FLIP().flush(0.2)


def test_refused_points_do_not_block_later_ones(as_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    refused = (422, {"code": "invalid_metric", "message": "No."})
    as_client.answers["POST", protocol.DATA_METRICS_PATH] = [refused, (202, None)]
    FLIP().send_metrics("t", "m", "A", 1.0, round=1)
    assert FLIP().flush()
    FLIP().send_metrics("t", "m", "B", 1.0, round=1)
    assert FLIP().flush()
    assert [point["label"] for point in as_client.points()] == ["A", "B"]
    assert "invalid_metric" in caplog.text


@pytest.mark.parametrize("end", ["", "raise ValueError('app failed')", "raise SystemExit(0)"])
def test_nothing_is_lost_when_the_process_ends(platform: Any, end: str) -> None:
    send_and_end(platform, 1200, end)
    assert sorted({point["round"] for point in platform.points()}) == list(range(1200))


def test_the_end_of_a_process_waits_a_bounded_time(platform: Any) -> None:
    platform.answers["POST", protocol.DATA_METRICS_PATH] = [(503, {"code": "busy", "message": "Later."})]
    start = time.monotonic()
    done = send_and_end(platform, 3, "import flip._metrics as queue; queue.EXIT_SECONDS = 1.0")
    assert time.monotonic() - start < 20
    assert b"could not be sent" in done.stderr


def test_work_that_is_repeated_after_a_crash_sends_the_same_points_again(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform names the work; each of its points has its own id, and a repeat has the same ones."""
    sent: list[list[str]] = []
    for turn in ("alpha:train:3:", "alpha:train:3:", "alpha:train:4:", "beta:train:3:", ""):
        monkeypatch.setenv(protocol.ENV_TURN, turn)
        platform.requests.clear()
        end = 'flip.send_metrics("t", "m", label="TRAIN_LOSS", value=9, round=0)'
        assert send_and_end(platform, 3, end).returncode == 0
        sent.append([point["id"] for point in platform.points()])
    first, repeat, later, other, unnamed = sent
    assert len(set(first)) == 4
    assert repeat == first
    assert len({*first, *later, *other, *unnamed}) == 16

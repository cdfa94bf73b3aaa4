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
    as_client.delay = 0.5
    flip, slowest = FLIP(), 0.0
    for i in range(50):
        start = time.perf_counter()
        flip.send_metrics("t", "m", "TRAIN_LOSS", 1.0, round=i)
        slowest = max(slowest, time.perf_counter() - start)
        time.sleep(0.005)
    assert slowest < 0.05
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
    assert time.monotonic() - start < 6
    assert b"could not be sent" in done.stderr

"""Every body survives its own JSON, and a metric point is the one of the contracts."""

from typing import Any

import pytest

from flip import protocol
from flip.constants import ModelStatus
from flip_contracts import messages, statuses

POINT = protocol.MetricPoint(
    id="5a0d9f3e-6d39-4d16-b8c4-5f4fcb7f2f10",
    label="TRAIN_LOSS",
    value=0.5,
    round=1,
    at="2026-01-02T03:04:05+00:00",
)


@pytest.mark.parametrize(
    "body",
    [
        protocol.Cohort((protocol.Column("accession_id", protocol.ColumnType.STRING),), [["a"], [None]]),
        protocol.ImagesRequest("p", "a", ("NIFTI",)),
        protocol.ImagesReply("/cache/a"),
        protocol.MetricsBody((POINT,)),
        protocol.ExceptionBody("ValueError", "text"),
        protocol.StatusBody("m", "PREPARED"),
        protocol.ProblemBody("not_approved", "No.", {"a": 1}, "r"),
    ],
    ids=lambda body: type(body).__name__,
)
def test_bodies_round_trip(body: Any) -> None:
    assert type(body).from_json(body.to_json()) == body


def test_a_point_is_what_the_hub_parses() -> None:
    parsed = messages.MetricPoint.model_validate(POINT.to_json())
    assert parsed.label == POINT.label
    assert set(messages.MetricPoint.model_fields) == set(POINT.to_json())


def test_a_point_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        protocol.MetricPoint.from_json({**POINT.to_json(), "value": float("nan")})


def test_the_sdk_and_the_hub_share_one_vocabulary() -> None:
    assert [str(status) for status in ModelStatus] == [str(status) for status in statuses.ModelStatus]
    assert ModelStatus.RUNNING is ModelStatus.TRAINING_STARTED

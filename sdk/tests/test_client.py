"""A ClientApp at a trust: cohort, images, typed errors."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flip import FLIP, errors, protocol
from flip.constants import ResourceType
from flip.constants.flip_constants import ModelStatus

COHORT = protocol.Cohort(
    columns=tuple(
        protocol.Column(name, protocol.ColumnType(kind))
        for name, kind in [
            ("accession_id", "string"),
            ("year_of_birth", "int64"),
            ("value", "float64"),
            ("smoker", "boolean"),
            ("study_date", "date"),
            ("at", "timestamp"),
        ]
    ),
    rows=[
        ["00123", 1961, 1.5, True, "2021-03-04", "2021-03-04T10:11:12"],
        ["00124", None, None, None, None, None],
    ],
)


def test_the_cohort_comes_with_its_types(as_client: Any) -> None:
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, COHORT.to_json())]
    df = FLIP().get_dataframe(project_id="p", query="SELECT 1")
    assert as_client.requests == [("GET", protocol.COHORT_PATH, {"project_id": ["p"], "query": ["SELECT 1"]}, None)]
    assert df["accession_id"].tolist() == ["00123", "00124"]
    assert str(df["accession_id"].dtype) == "string"
    assert str(df["year_of_birth"].dtype) == "Int64"
    assert df["value"].dtype == "float64"
    assert str(df["smoker"].dtype) == "boolean"
    assert pd.api.types.is_datetime64_any_dtype(df["study_date"])
    assert df["at"][0] == pd.Timestamp("2021-03-04 10:11:12")
    assert df.loc[1, ["year_of_birth", "value", "smoker", "study_date", "at"]].isna().all()


def test_an_empty_cohort_keeps_its_columns_and_types(as_client: Any) -> None:
    empty = protocol.Cohort(COHORT.columns, [])
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, empty.to_json())]
    df = FLIP().get_dataframe("p")
    assert len(df) == 0
    assert list(df.columns)[:2] == ["accession_id", "year_of_birth"]
    assert str(df["year_of_birth"].dtype) == "Int64"


def test_images_take_one_call_whatever_the_number_of_types(as_client: Any) -> None:
    as_client.answers["POST", protocol.IMAGES_PATH] = [(200, {"path": "/cache/abc"})]
    folder = FLIP().get_by_accession_number("p", "00123", resource_type=[ResourceType.NIFTI, ResourceType.SEGMENTATION])
    assert folder == Path("/cache/abc")
    (request,) = as_client.requests
    assert request[3] == {
        "project_id": "p",
        "accession_id": "00123",
        "resource_types": ["NIFTI", "SEGMENTATION"],
    }


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "accession_not_found", errors.AccessionNotFound),
        (404, "resource_missing", errors.ResourceMissing),
        (403, "not_approved", errors.NotApproved),
        (403, "cohort_too_small", errors.CohortTooSmall),
        (409, "cohort_query_mismatch", errors.CohortQueryMismatch),
        (401, "token_refused", errors.TokenRefused),
        (500, "internal", errors.PlatformUnavailable),
        (422, "something_new", errors.FlipError),
    ],
)
def test_codes_become_classes(as_client: Any, status: int, code: str, error: type[errors.FlipError]) -> None:
    body = {"code": code, "message": "Why, and what to do.", "details": {"threshold": 10}, "request_id": "r"}
    as_client.answers["POST", protocol.IMAGES_PATH] = [(status, body)]
    with pytest.raises(error, match="Why, and what to do") as caught:
        FLIP().get_by_accession_number("p", "00123", ResourceType.NIFTI)
    assert caught.value.code == code
    assert caught.value.details == {"threshold": 10}


def test_a_busy_platform_is_asked_again(as_client: Any) -> None:
    busy = (503, {"code": "busy", "message": "Later."})
    as_client.answers["GET", protocol.COHORT_PATH] = [busy, busy, (200, COHORT.to_json())]
    assert len(FLIP().get_dataframe("p")) == 2


def test_no_row_accession_or_body_is_logged_or_repeated(as_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, COHORT.to_json())]
    as_client.answers["POST", protocol.IMAGES_PATH] = [(502, b"CANARY <html>")]
    FLIP().get_dataframe("p")
    with pytest.raises(errors.PlatformUnavailable) as caught:
        FLIP().get_by_accession_number("p", "00123")
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, {"columns": "CANARY"})]
    with pytest.raises(errors.PlatformUnavailable) as odd:
        FLIP().get_dataframe("p")
    said = caplog.text + str(caught.value) + str(odd.value)
    assert "00123" not in said
    assert "CANARY" not in said


def test_calls_of_the_other_side_say_so(as_client: Any) -> None:
    with pytest.raises(errors.NotAvailableHere, match="ServerApp"):
        FLIP().update_status("m", ModelStatus.INITIATED)
    Path("x").mkdir()
    with pytest.raises(errors.NotAvailableHere, match="ServerApp"):
        FLIP().upload_results("x")
    assert as_client.requests == []


def test_an_unknown_resource_type_is_refused_before_any_call(as_client: Any) -> None:
    with pytest.raises(errors.InvalidArgument, match="SEGMENTATION"):
        FLIP().get_by_accession_number("p", "a", "MP3")
    with pytest.raises(errors.InvalidArgument):
        FLIP().get_by_accession_number("p", "a", [])
    assert as_client.requests == []


def test_an_absent_platform_is_a_clear_error(as_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(protocol.ENV_URL, "http://127.0.0.1:9")
    monkeypatch.setattr("flip._transport.RETRY_PAUSES", ())
    with pytest.raises(errors.PlatformUnavailable, match="refused the connection"):
        FLIP().get_dataframe("p")


def test_the_wrapper_of_the_seed_works(as_client: Any) -> None:
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, COHORT.to_json())]

    class FLIP_BASE:
        def __init__(self):
            self.project_id = ""
            self.query = ""
            self.dataframe = None
            self.flip = FLIP()
            self.logger = logging.getLogger(self.__class__.__name__)
            self.logger.setLevel(logging.INFO)

    run_config = {"flip-project-id": "p", "flip-cohort-query": "*"}
    flip_utils = FLIP_BASE()
    flip_utils.project_id = run_config.get("flip-project-id")
    flip_utils.query = run_config.get("flip-cohort-query", "*")
    flip_utils.dataframe = flip_utils.flip.get_dataframe(
        project_id=flip_utils.project_id,
        query=flip_utils.query,
    )
    assert len(flip_utils.dataframe) == 2

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
    asked = {"project_id": ["p"], "query": ["SELECT 1"], "layout": ["packed"]}
    assert as_client.requests == [("GET", protocol.COHORT_PATH, asked, None)]
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
    assert caught.value.details["threshold"] == 10


def test_a_missing_type_is_told_by_row_and_never_by_number(as_client: Any) -> None:
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, COHORT.to_json())]
    missing = (404, {"code": "resource_missing", "message": "This study has no SEGMENTATION resource."})
    as_client.answers["POST", protocol.IMAGES_PATH] = [missing, (200, {"path": "/cache/abc"})]
    flip = FLIP()
    flip.get_dataframe("p")
    with pytest.raises(errors.ResourceMissing) as caught:
        FLIP().get_by_accession_number("p", "00124", ["NIFTI", "SEGMENTATION"])
    assert "row 1 of the cohort, counted from 0" in str(caught.value)
    assert "asked for NIFTI, SEGMENTATION" in str(caught.value)
    assert "00124" not in str(caught.value)
    assert caught.value.details == {"index": 1, "resource_types": ["NIFTI", "SEGMENTATION"]}
    assert flip.get_by_accession_number("p", "00124", "NIFTI") == Path("/cache/abc")


def test_without_the_cohort_the_row_is_simply_not_told(as_client: Any) -> None:
    answer = (404, {"code": "accession_not_found", "message": "Not in the archive."})
    as_client.answers["POST", protocol.IMAGES_PATH] = [answer]
    with pytest.raises(errors.AccessionNotFound, match=r"archive\. \(asked for NIFTI\)"):
        FLIP().get_by_accession_number("p", "00124")


@pytest.mark.parametrize(
    ("given", "sent"), [("*", "*"), ("SELECT a FROM t", "SELECT a FROM t"), (None, "*"), ("", "*")]
)
def test_both_words_for_the_frozen_cohort_reach_the_trust(as_client: Any, given: str | None, sent: str) -> None:
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, COHORT.to_json())]
    assert len(FLIP().get_dataframe("p", query=given)) == 2
    assert as_client.requests[0][2]["query"] == [sent]


def test_another_query_is_refused_by_the_trust(as_client: Any) -> None:
    body = {"code": "cohort_query_mismatch", "message": "Ask for it with '*'."}
    as_client.answers["GET", protocol.COHORT_PATH] = [(409, body)]
    with pytest.raises(errors.CohortQueryMismatch):
        FLIP().get_dataframe("p", query="SELECT other")


def test_a_tabular_cohort_needs_no_accession_column(as_client: Any) -> None:
    cohort = protocol.Cohort((protocol.Column("age", protocol.ColumnType.INT64),), [[61], [None]])
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, cohort.to_json())]
    df = FLIP().get_dataframe("p")
    assert list(df.columns) == ["age"]
    assert str(df["age"].dtype) == "Int64"


def test_dates_far_away_and_with_offsets_survive(as_client: Any) -> None:
    columns = [("until", "date"), ("at", "timestamp"), ("summer", "timestamp"), ("none", "date")]
    cohort = protocol.Cohort(
        tuple(protocol.Column(name, protocol.ColumnType(kind)) for name, kind in columns),
        [
            ["9999-12-31", "2021-03-04T10:00:00+00:00", "2021-07-01T10:00:00+02:00", None],
            ["0900-01-01", None, "2021-12-01T10:00:00+01:00", None],
        ],
    )
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, cohort.to_json())]
    df = FLIP().get_dataframe("p")
    assert df["until"].dt.year.tolist() == [9999, 900]
    assert df["at"][0] == pd.Timestamp("2021-03-04 10:00", tz="UTC")
    assert df["at"].isna().tolist() == [False, True]
    assert df["summer"].dt.hour.tolist() == [8, 9]
    assert df["none"].isna().all()
    assert all(pd.api.types.is_datetime64_any_dtype(df[name]) for name in df.columns)


def test_integers_of_full_width_stay_exact(as_client: Any) -> None:
    cohort = protocol.Cohort((protocol.Column("id", protocol.ColumnType.INT64),), [[2**63 - 1], [None], [-(2**53) - 1]])
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, cohort.to_json())]
    assert FLIP().get_dataframe("p")["id"].dropna().tolist() == [2**63 - 1, -(2**53) - 1]


def test_a_name_selected_twice_gives_two_columns(as_client: Any) -> None:
    column = protocol.Column("a", protocol.ColumnType.INT64)
    as_client.answers["GET", protocol.COHORT_PATH] = [(200, protocol.Cohort((column, column), [[1, 2]]).to_json())]
    df = FLIP().get_dataframe("p")
    assert df.to_numpy().tolist() == [[1, 2]]
    assert list(df.columns) == ["a", "a"]


def test_a_file_is_sent_to_the_trust_as_it_is(as_client: Any, tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(b"\x1f\x8b\x00voxels")
    reply = protocol.ResourceReply("/cache/x/label_a.nii.gz", 2).to_json()
    as_client.answers["POST", protocol.RESOURCES_PATH] = [(201, reply)]
    assert FLIP().add_resource("p", "00123", tmp_path / "a.nii.gz") == Path("/cache/x/label_a.nii.gz")
    ((_, _, query, sent),) = as_client.requests
    assert query == {
        "project_id": ["p"],
        "accession_id": ["00123"],
        "resource_type": ["SEGMENTATION"],
        "name": ["label_a.nii.gz"],
    }
    assert sent == b"\x1f\x8b\x00voxels"


def test_a_file_that_a_trust_refuses_is_a_typed_error_with_its_code(as_client: Any, tmp_path: Path) -> None:
    (tmp_path / "label_a.nii.gz").write_bytes(b"x")
    answer = {"code": "resource_off_grid", "message": "Another size."}
    as_client.answers["POST", protocol.RESOURCES_PATH] = [(422, answer)]
    with pytest.raises(errors.FlipError, match="Another size") as caught:
        FLIP().add_resource("p", "00123", tmp_path / "label_a.nii.gz")
    assert caught.value.code == "resource_off_grid"
    assert "00123" not in str(caught.value)


def test_a_busy_platform_is_asked_again(as_client: Any) -> None:
    busy = (503, {"code": "busy", "message": "Later."})
    as_client.answers["GET", protocol.COHORT_PATH] = [busy, busy, (200, COHORT.to_json())]
    assert len(FLIP().get_dataframe("p")) == 2


def test_no_row_accession_or_body_is_logged_or_repeated(
    as_client: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flip._transport.RETRY_PAUSES", (0.01,))
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

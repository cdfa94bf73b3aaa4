"""A ServerApp at the hub: status, results, and what it may not do."""

from pathlib import Path
from typing import Any

import pytest

from flip import FLIP, errors, protocol
from flip.constants.flip_constants import ModelStatus


def test_statuses_go_to_the_relay_in_order(as_server: Any) -> None:
    flip = FLIP()
    flip.update_status("m", ModelStatus.INITIATED)
    flip.update_status("m", ModelStatus.RUNNING)
    flip.update_status(None, "RESULTS_UPLOADED")
    assert [(path, body) for _, path, _, body in as_server.requests] == [
        (protocol.RELAY_STATUS_PATH, {"model_id": "m", "status": "INITIATED"}),
        (protocol.RELAY_STATUS_PATH, {"model_id": "m", "status": "TRAINING_STARTED"}),
        (protocol.RELAY_STATUS_PATH, {"model_id": "model-1", "status": "RESULTS_UPLOADED"}),
    ]


def test_metrics_are_charted_before_the_status_that_follows_them(as_server: Any) -> None:
    flip = FLIP()
    flip.send_metrics("server", "m", "BEST", 1.0, 1)
    flip.update_status("m", ModelStatus.RESULTS_UPLOADED)
    assert [path for _, path, _, _ in as_server.requests] == [
        protocol.RELAY_METRICS_PATH,
        protocol.RELAY_STATUS_PATH,
    ]


def test_a_status_of_another_vocabulary_is_refused(as_server: Any) -> None:
    with pytest.raises(errors.InvalidArgument, match="TRAINING_STARTED"):
        FLIP().update_status("m", "DONE")
    assert as_server.requests == []


def test_patient_data_are_not_at_the_hub(as_server: Any) -> None:
    with pytest.raises(errors.NotAvailableHere, match="ClientApp"):
        FLIP().get_dataframe("p")
    with pytest.raises(errors.NotAvailableHere, match="ClientApp"):
        FLIP().get_by_accession_number("p", "a")
    with pytest.raises(errors.NotAvailableHere, match="ClientApp"):
        FLIP().add_resource("p", "a", "file")
    assert as_server.requests == []


def test_results_are_copied_where_they_are_collected(as_server: Any, tmp_path: Path) -> None:
    out = tmp_path / "out" / "deep"
    out.mkdir(parents=True)
    (out / "model.pt").write_bytes(b"weights")
    (tmp_path / "secret").write_text("x")
    (out / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "single.json").write_text("{}")
    assert FLIP().upload_results(tmp_path / "out") == tmp_path / "results"
    FLIP().upload_results_to_s3("single.json", "m")
    assert (tmp_path / "results" / "deep" / "model.pt").read_bytes() == b"weights"
    assert (tmp_path / "results" / "single.json").is_file()
    assert not (tmp_path / "results" / "deep" / "link").exists()


def test_missing_results_are_an_error(as_server: Any) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        FLIP().upload_results("nothing-here")
    assert caught.value.code == "no_results"


def test_a_handled_exception_is_reported_and_never_raises(as_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    FLIP().send_handled_exception(ValueError("bad day"))
    assert as_server.requests[0][3] == {"error_class": "ValueError", "text": "bad day"}
    monkeypatch.setenv(protocol.ENV_URL, "http://127.0.0.1:9")
    FLIP().send_handled_exception("text", "client", "m")


def test_half_an_environment_is_an_error_at_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(protocol.ENV_MODE, "server")
    flip = FLIP()
    with pytest.raises(errors.PlatformUnavailable, match="FLIP_URL") as caught:
        flip.update_status("m", ModelStatus.INITIATED)
    assert caught.value.code == "invalid_environment"

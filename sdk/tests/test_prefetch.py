"""`prefetch`: many side by side, failures listed, nothing told that names a patient."""

import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flip import FLIP, errors, prefetching, protocol
from flip.constants import ResourceType
from flip.prefetching import PrefetchFailure, fetch_all

MISSING = (404, {"code": "resource_missing", "message": "No such resource."})
REFUSED = (403, {"code": "not_approved", "message": "Withdrawn."})


def folder(path: str) -> tuple[int, Any]:
    return (200, {"path": path})


def test_folders_by_accession_and_failures_by_row(as_client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    df = pd.DataFrame({"accession_id": ["CANARY1", "CANARY2", None, "CANARY1", "CANARY3"]})
    as_client.answers["POST", protocol.IMAGES_PATH] = [folder("/c/1"), MISSING, folder("/c/3")]
    types = [ResourceType.NIFTI, ResourceType.SEGMENTATION]
    ready = FLIP().prefetch(df, project_id="p", resource_type=types, concurrency=1)
    assert ready.folders == {"CANARY1": Path("/c/1"), "CANARY3": Path("/c/3")}
    assert ready.failures == (PrefetchFailure(1, "resource_missing"), PrefetchFailure(2, "accession_empty"))
    assert [request[3]["accession_id"] for request in as_client.requests] == ["CANARY1", "CANARY2", "CANARY3"]
    assert as_client.requests[0][3]["resource_types"] == ["NIFTI", "SEGMENTATION"]
    said = capsys.readouterr()
    assert said.err == "images: 3 of 3, 1 failed\n"
    assert "CANARY" not in said.err + said.out + repr(ready) + str(ready)
    assert repr(ready) == "Prefetched(2 ready, 2 failed)"


def test_progress_can_be_silent(as_client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    as_client.answers["POST", protocol.IMAGES_PATH] = [folder("/c")]
    assert len(FLIP().prefetch(["a"], "p", progress=False).folders) == 1
    assert len(FLIP().prefetch([], "p").folders) == 0
    assert capsys.readouterr() == ("", "")


def test_the_bar_of_a_terminal_names_nobody(as_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    as_client.answers["POST", protocol.IMAGES_PATH] = [folder("/c")]
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    FLIP().prefetch(["CANARY1", "CANARY2"], "p")
    assert "images" in shown.getvalue()
    assert "2/2" in shown.getvalue()
    assert "CANARY" not in shown.getvalue()


def test_as_many_at_a_time_as_asked_and_no_more() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def fetch(accession: str) -> Path:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return Path(accession)

    ready = fetch_all([str(i) for i in range(24)], fetch, concurrency=3, progress=False)
    assert most == 3
    assert list(ready.folders) == [str(i) for i in range(24)]


def test_requests_wait_side_by_side_and_never_more_than_asked(as_client: Any) -> None:
    as_client.answers["POST", protocol.IMAGES_PATH] = [folder("/c")]
    as_client.delay = 0.1
    FLIP().prefetch([str(i) for i in range(16)], "p", concurrency=8, progress=False)
    assert 2 <= as_client.most_at_once <= 8


def test_what_every_call_would_end_in_ends_the_asking(as_client: Any) -> None:
    as_client.answers["POST", protocol.IMAGES_PATH] = [folder("/c"), REFUSED]
    ready = FLIP().prefetch([str(i) for i in range(100)], "p", concurrency=2, progress=False)
    assert len(ready.folders) == 1
    assert {failure.code for failure in ready.failures} == {"not_approved"}
    assert len(ready.failures) == 99
    assert len(as_client.requests) <= 4


def test_a_bug_is_not_swallowed() -> None:
    def fetch(accession: str) -> Path:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fetch_all(["a", "b"], fetch, concurrency=2, progress=False)


@pytest.mark.parametrize("concurrency", [0, -1, 33])
def test_concurrency_is_bounded(as_client: Any, concurrency: int) -> None:
    with pytest.raises(errors.InvalidArgument, match="1 to 32"):
        FLIP().prefetch(["a"], "p", concurrency=concurrency)
    assert as_client.requests == []


def test_wrong_input_is_told_before_any_call(as_client: Any) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        FLIP().prefetch(pd.DataFrame({"age": [1]}), "p")
    assert caught.value.code == "no_accession_column"
    with pytest.raises(errors.InvalidArgument, match="single text"):
        FLIP().prefetch("00123", "p")
    with pytest.raises(errors.InvalidArgument, match="SEGMENTATION"):
        FLIP().prefetch(["a"], "p", resource_type="MP3")
    assert as_client.requests == []


def test_not_in_the_server_app(as_server: Any) -> None:
    with pytest.raises(errors.NotAvailableHere, match="ClientApp"):
        FLIP().prefetch(["a"], "p")


def test_locally_folders_are_found_and_missing_ones_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.LocalDataMissing, match="DEV_IMAGES_DIR"):
        FLIP().prefetch(["a"], "p")
    (tmp_path / "images" / "a").mkdir(parents=True)
    (tmp_path / "images" / "a" / "input_1.nii.gz").write_bytes(b"")
    monkeypatch.setenv("DEV_IMAGES_DIR", str(tmp_path / "images"))
    ready = FLIP().prefetch(["b", "a"], "p")
    assert ready.folders == {"a": (tmp_path / "images" / "a").resolve()}
    assert ready.failures == (PrefetchFailure(0, "local_data_missing"),)


@pytest.mark.parametrize(
    ("value", "empty"), [(None, True), ("", True), (" ", True), (float("nan"), True), (pd.NA, True), ("0", False)]
)
def test_what_counts_as_no_accession(value: Any, empty: bool) -> None:
    assert prefetching.accessions_of([value]) == [None if empty else value]


def test_numbers_become_text() -> None:
    assert prefetching.accessions_of([7]) == ["7"]

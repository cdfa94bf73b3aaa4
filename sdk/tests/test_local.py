"""Local development: data from two variables, reports in `flip-local/`."""

import json
from pathlib import Path

import pandas as pd
import pytest

from flip import FLIP, errors
from flip.constants import ModelStatus, ResourceType

CSV = "accession_id,age,weight,study_date,note\n00123,61,70.5,2021-03-04,x\n00124,,,,\n"


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "images" / "00123" / "scan"
    folder.mkdir(parents=True)
    (folder / "input_ct.nii.gz").write_bytes(b"")
    monkeypatch.setenv("DEV_IMAGES_DIR", str(tmp_path / "images"))
    return tmp_path / "images"


def test_the_csv_comes_in_the_platforms_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cohort.csv").write_text(CSV)
    monkeypatch.setenv("DEV_DATAFRAME", "cohort.csv")
    df = FLIP().get_dataframe(project_id="p", query="*")
    assert df["accession_id"].tolist() == ["00123", "00124"]
    assert str(df["age"].dtype) == "Int64"
    assert df["weight"].dtype == "float64"
    assert pd.api.types.is_datetime64_any_dtype(df["study_date"])
    assert df["study_date"].isna().tolist() == [False, True]


def test_missing_data_name_the_variable_or_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.LocalDataMissing, match="DEV_DATAFRAME"):
        FLIP().get_dataframe("p")
    monkeypatch.setenv("DEV_DATAFRAME", "nowhere.csv")
    with pytest.raises(errors.LocalDataMissing, match=r"nowhere\.csv"):
        FLIP().get_dataframe("p")
    with pytest.raises(errors.LocalDataMissing, match="DEV_IMAGES_DIR"):
        FLIP().get_by_accession_number("p", "a")


def test_images_are_found_and_missing_types_say_so(images: Path) -> None:
    flip = FLIP()
    folder = flip.get_by_accession_number("p", "00123", resource_type=[ResourceType.NIFTI])
    assert isinstance(folder, Path)
    assert [path.name for path in folder.rglob("input_*.nii.gz")] == ["input_ct.nii.gz"]
    assert flip.get_by_accession_number("p", "00123", ResourceType.ALL) == folder
    with pytest.raises(errors.ResourceMissing, match="SEGMENTATION"):
        flip.get_by_accession_number("p", "00123", [ResourceType.NIFTI, ResourceType.SEGMENTATION])


@pytest.mark.parametrize("accession", ["00999", "..", "../images/00123", "", "00123/scan"])
def test_a_missing_folder_is_named_and_none_outside_is_given(images: Path, accession: str) -> None:
    with pytest.raises(errors.LocalDataMissing, match="Expected the folder"):
        FLIP().get_by_accession_number("p", accession)


def test_reports_are_kept_as_json_lines(tmp_path: Path) -> None:
    flip = FLIP()
    flip.update_status("m", ModelStatus.INITIATED)
    flip.send_metrics("unknown_client", "m", label="TRAIN_LOSS", value=0.5, round=1)
    flip.send_handled_exception(ValueError("x"))
    (tmp_path / "model.pt").write_bytes(b"w")
    flip.upload_results(tmp_path / "model.pt")
    flip.cleanup()
    (folder,) = (tmp_path / "flip-local").iterdir()
    metric = json.loads((folder / "metrics.jsonl").read_text())
    assert (metric["label"], metric["value"], metric["round"]) == ("TRAIN_LOSS", 0.5, 1)
    assert json.loads((folder / "status.jsonl").read_text())["status"] == "INITIATED"
    assert json.loads((folder / "exceptions.jsonl").read_text())["error_class"] == "ValueError"
    assert (folder / "results" / "model.pt").read_bytes() == b"w"


def test_constructing_touches_nothing(tmp_path: Path) -> None:
    FLIP()
    assert list(tmp_path.iterdir()) == []

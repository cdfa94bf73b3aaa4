"""Local development: data from two variables, reports in `flip-local/`."""

import json
from datetime import datetime
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


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder, name in [("1", "input_a.nii.gz"), ("1", "label_a.nii.gz"), ("2", "input_b.nii.gz")]:
        (tmp_path / "images" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / folder / name).write_bytes(b"")
    monkeypatch.setenv("DEV_IMAGES_DIR", str(tmp_path / "images"))
    return tmp_path / "images"


def test_the_label_is_found_as_the_seed_finds_it(pairs: Path) -> None:
    folder = FLIP().get_by_accession_number("p", "1", resource_type=[ResourceType.NIFTI, ResourceType.SEGMENTATION])
    (img,) = folder.rglob("input_*.nii.gz")
    assert Path(str(img).replace("/input_", "/label_")).exists()


def test_a_label_that_is_not_beside_its_input_is_told(pairs: Path) -> None:
    (pairs / "2" / "masks").mkdir()
    (pairs / "2" / "masks" / "label_b.nii.gz").write_bytes(b"")
    with pytest.raises(errors.ResourceMissing, match=r"label of input_b\.nii\.gz label_b\.nii\.gz"):
        FLIP().get_by_accession_number("p", "2", ResourceType.SEGMENTATION)


def test_a_missing_type_leaves_the_others_usable(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cohort.csv").write_text("accession_id\n1\n2\n")
    monkeypatch.setenv("DEV_DATAFRAME", str(tmp_path / "cohort.csv"))
    flip = FLIP()
    flip.get_dataframe("p")
    with pytest.raises(errors.ResourceMissing, match="row 1 of the cohort") as caught:
        flip.get_by_accession_number("p", "2", ["NIFTI", "SEGMENTATION"])
    assert caught.value.details == {"index": 1, "resource_types": ["NIFTI", "SEGMENTATION"]}
    assert str(pairs / "2") in str(caught.value)
    assert flip.get_by_accession_number("p", "2", "NIFTI") == pairs / "2"


def test_a_tabular_project_needs_no_accession_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cohort.csv").write_text("age,smoker\n61,True\n,False\n")
    monkeypatch.setenv("DEV_DATAFRAME", "cohort.csv")
    df = FLIP().get_dataframe("p", query="SELECT age, smoker FROM somewhere")
    assert [str(dtype) for dtype in df.dtypes] == ["Int64", "boolean"]


def test_a_csv_keeps_codes_dates_and_text_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cohort.csv").write_text(
        "\ufeffaccession_id,code,count,zero,at,until,birth,note\n"
        "7,007,7,0,2021-03-04T10:00:00Z,2021-07-01T10:00:00+02:00,1321-09-14,2021-03-04\n"
        "8,123,,0,2021-03-05T10:00:00Z,2021-12-01T10:00:00+01:00,9999-12-31,soon\n"
    )
    monkeypatch.setenv("DEV_DATAFRAME", "cohort.csv")
    df = FLIP().get_dataframe("p")
    assert df["accession_id"].tolist() == ["7", "8"]
    assert df["code"].tolist() == ["007", "123"]
    assert str(df["count"].dtype) == str(df["zero"].dtype) == "Int64"
    assert df["at"][0] == pd.Timestamp("2021-03-04 10:00", tz="UTC")
    assert df["until"].tolist() == [
        pd.Timestamp("2021-07-01 08:00", tz="UTC"),
        pd.Timestamp("2021-12-01 09:00", tz="UTC"),
    ]
    assert df["birth"].dt.year.tolist() == [1321, 9999]
    assert df["note"].tolist() == ["2021-03-04", "soon"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n1,2,3\n4,5,6,7\n"])
def test_a_file_that_is_no_csv_is_told(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cohort.csv").write_bytes(content)
    monkeypatch.setenv("DEV_DATAFRAME", "cohort.csv")
    with pytest.raises(errors.LocalDataMissing, match="DEV_DATAFRAME"):
        FLIP().get_dataframe("p")


def test_a_derived_label_is_kept_beside_its_input(images: Path, tmp_path: Path) -> None:
    (tmp_path / "ct.nii.gz").write_bytes(b"mask")
    target = FLIP().add_resource("p", "00123", tmp_path / "ct.nii.gz")
    assert target == images / "00123" / "scan" / "label_ct.nii.gz"
    assert target.read_bytes() == b"mask"
    assert FLIP().get_by_accession_number("p", "00123", ["NIFTI", "SEGMENTATION"]) == images / "00123"
    other = FLIP().add_resource("p", "00123", tmp_path / "ct.nii.gz", name="label_other.nii.gz")
    assert other == images / "00123" / "label_other.nii.gz"
    nifti = FLIP().add_resource("p", "00123", tmp_path / "ct.nii.gz", ResourceType.NIFTI)
    assert nifti == images / "00123" / "input_ct.nii.gz"


def test_a_derived_file_never_overwrites(images: Path, tmp_path: Path) -> None:
    (tmp_path / "label_ct.nii.gz").write_bytes(b"first")
    target = FLIP().add_resource("p", "00123", tmp_path / "label_ct.nii.gz")
    assert FLIP().add_resource("p", "00123", tmp_path / "label_ct.nii.gz") == target
    (tmp_path / "label_ct.nii.gz").write_bytes(b"second")
    with pytest.raises(errors.InvalidArgument, match="not overwritten") as caught:
        FLIP().add_resource("p", "00123", tmp_path / "label_ct.nii.gz")
    assert caught.value.code == "resource_exists"
    assert target.read_bytes() == b"first"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("mask.nii.gz", "SEGMENTATION", "label_"),
        ("label_a.nii", "SEGMENTATION", "label_"),
        ("../label_a.nii.gz", "SEGMENTATION", "label_"),
        ("label_a.nii.gz", "NIFTI", "input_"),
        ("scan.nii.gz", "DICOM", "dcm"),
        ("label_a.nii.gz", "ALL", "SEGMENTATION"),
    ],
)
def test_a_name_that_would_not_be_found_again_is_refused(
    images: Path, tmp_path: Path, name: str, kind: str, message: str
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(errors.InvalidArgument, match=message):
        FLIP().add_resource("p", "00123", tmp_path / "file", kind, name)
    with pytest.raises(errors.LocalDataMissing, match="00999"):
        FLIP().add_resource("p", "00999", tmp_path / "file", name="label_x.nii.gz")
    with pytest.raises(errors.InvalidArgument, match="no file"):
        FLIP().add_resource("p", "00123", tmp_path / "nothing")


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


def test_the_keys_of_the_reports_are_stable(tmp_path: Path) -> None:
    """`flip app plot` and others read them."""
    FLIP().send_metrics("trust-1", "m", "VAL_DICE", 0.5, 2, x_label="epoch", x_value=7)
    FLIP().send_metrics(None, None, "VAL_LOSS", 1)
    FLIP().update_status("m", ModelStatus.INITIATED)
    FLIP().send_handled_exception("text")
    (folder,) = (tmp_path / "flip-local").iterdir()
    first, second = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    keys = {"id", "label", "value", "round", "x_label", "x_value", "client_name", "at", "model_id"}
    assert set(first) == set(second) == keys
    wanted = {"label": "VAL_DICE", "value": 0.5, "round": 2, "x_label": "epoch", "x_value": 7.0}
    assert {key: first[key] for key in wanted} == wanted
    assert (first["client_name"], first["model_id"]) == ("trust-1", "m")
    assert (second["x_label"], second["x_value"], second["round"], second["client_name"]) == ("round", None, 0, "")
    assert datetime.fromisoformat(first["at"]).utcoffset() is not None
    assert set(json.loads((folder / "status.jsonl").read_text())) == {"at", "model_id", "status"}
    assert set(json.loads((folder / "exceptions.jsonl").read_text())) == {"at", "error_class", "text"}


def test_reports_go_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLIP_LOCAL_DIR", str(tmp_path / "run-7"))
    FLIP().send_metrics("trust-1", "m", "LOSS", 1.0, 1)
    assert (tmp_path / "run-7" / "metrics.jsonl").is_file()
    assert not (tmp_path / "flip-local").exists()


def test_a_report_that_cannot_be_written_ends_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FLIP_LOCAL_DIR", str(tmp_path / "file"))
    FLIP().send_metrics("trust-1", "m", "LOSS", 1.0, 1)
    assert "could not be written" in caplog.text


def test_constructing_touches_nothing(tmp_path: Path) -> None:
    FLIP()
    assert list(tmp_path.iterdir()) == []

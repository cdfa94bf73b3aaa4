"""`--data`: each simulated trust gets a slice of its own, and no row twice."""

import csv
import json
from pathlib import Path

import pytest

from flip.errors import LocalDataMissing
from flip.local_run.trusts import make_trusts, names_of

CLIENT = """
    import os
    from flip import FLIP
    from flip.constants import ResourceType
    from flwr.app import Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp

    app = ClientApp()

    @app.train()
    def train(msg, context):
        flip = FLIP()
        frame = flip.get_dataframe(context.run_config["flip-project-id"], "*")
        found = 0
        for accession in frame["accession_id"]:
            folder = flip.get_by_accession_number("", accession, ResourceType.NIFTI)
            found += len(list(folder.rglob("input_*.nii.gz")))
        records = {"metrics": MetricRecord({"num-examples": len(frame), "images": found})}
        return Message(RecordDict({**records, "arrays": msg.content["arrays"]}), reply_to=msg)
"""


def write_cohort(folder: Path, rows: list[str], header: str = "accession_id,age") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataframe.csv").write_text("\n".join([header, *rows]) + "\n")
    for row in rows:
        image = folder / "accession-resources" / row.split(",")[0] / "input_0.nii.gz"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(b"")
    return folder


def rows_of(trust) -> list[list[str]]:
    with open(trust.environment["DEV_DATAFRAME"], newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_rows_are_dealt_out_completely_and_disjointly(tmp_path, count) -> None:
    rows = [f'ACC{n:02d},"{n}, or more"' for n in range(11)]
    trusts = make_trusts(names_of(count), write_cohort(tmp_path / "data", rows), tmp_path / "scratch")
    dealt = [tuple(row) for trust in trusts for row in rows_of(trust)]
    assert sorted(dealt) == [(f"ACC{n:02d}", f"{n}, or more") for n in range(11)]
    assert {len(rows_of(trust)) for trust in trusts} <= {11 // count, 11 // count + 1}


def test_all_rows_of_a_person_stay_at_one_trust(tmp_path) -> None:
    rows = [f"ACC{n},{n % 4}" for n in range(12)]
    trusts = make_trusts(names_of(2), write_cohort(tmp_path, rows, "accession_id,person_id"), tmp_path / "scratch")
    persons = [{row[1] for row in rows_of(trust)} for trust in trusts]
    assert persons[0] | persons[1] == {"0", "1", "2", "3"}
    assert not persons[0] & persons[1]


def test_the_clients_of_a_run_see_their_slices_and_images(tmp_path, make_app, run_here) -> None:
    data = write_cohort(tmp_path / "data", [f"00{n},40" for n in range(5)])  # accession numbers are texts
    result = run_here(make_app(CLIENT), data=data, config="num-server-rounds=1")
    assert result.error is None, result.failure
    points = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert {p["client_name"]: p["value"] for p in points if p["label"] == "IMAGES"} == {"trust-1": 3, "trust-2": 2}


def test_a_folder_per_trust_is_used_as_it_is(tmp_path, make_app, run_here) -> None:
    for number, count in ((1, 4), (2, 1)):
        write_cohort(tmp_path / "data" / f"trust-{number}", [f"T{number}A{n},40" for n in range(count)])
    result = run_here(make_app(CLIENT), data=tmp_path / "data", config="num-server-rounds=1")
    points = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert {p["client_name"]: p["value"] for p in points if p["label"] == "IMAGES"} == {"trust-1": 4, "trust-2": 1}


def test_without_data_the_environment_is_left_as_it_is(tmp_path, make_app, run_here, monkeypatch) -> None:
    data = write_cohort(tmp_path / "data", ["A,1", "B,2"])
    monkeypatch.setenv("DEV_DATAFRAME", str(data / "dataframe.csv"))
    monkeypatch.setenv("DEV_IMAGES_DIR", str(data / "accession-resources"))
    result = run_here(make_app(CLIENT), config="num-server-rounds=1")
    points = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert [p["value"] for p in points if p["label"] == "IMAGES"] == [2, 2]


def test_missing_data_is_told_with_what_was_expected(tmp_path) -> None:
    scratch = tmp_path / "scratch"
    with pytest.raises(LocalDataMissing, match="not a folder"):
        make_trusts(names_of(2), tmp_path / "nowhere", scratch)
    with pytest.raises(LocalDataMissing, match=r"neither trust-1/ nor dataframe\.csv"):
        make_trusts(names_of(2), tmp_path, scratch)
    write_cohort(tmp_path / "trust-1", ["A,1"])
    with pytest.raises(LocalDataMissing, match=r"trust-2/dataframe\.csv"):
        make_trusts(names_of(2), tmp_path, scratch)
    with pytest.raises(LocalDataMissing) as raised:
        make_trusts(names_of(3), write_cohort(tmp_path / "small", ["A,1", "B,2"]), scratch)
    assert raised.value.code == "too_few_rows"

"""What the tutorials have in common with each other and with the data; and `flwr run .` exactly as written."""

import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from benchmarks.local_run import flower_home

from flip_contracts.app_check import check_app, read_folder
from flip_contracts.sql_guard import check

REPO = Path(__file__).parents[2]
TUTORIALS = REPO / "tutorials"
NAMES = ("monai", "xray_classification", "ehr_risk")
SPLEEN = REPO / "data" / "spleen"


@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_has_no_finding(name: str) -> None:
    folder = read_folder(TUTORIALS / name)
    assert [*folder.findings, *check_app(folder.files, trust_count=2)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_cohort_query_passes_the_guard_and_gives_what_the_app_reads(name: str, tmp_path: Path) -> None:
    query = check((TUTORIALS / name / "query.sql").read_text())
    command = [sys.executable, TUTORIALS / name / "data" / "make_data.py", "--count", "2", "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with (tmp_path / "dataframe.csv").open() as file:
        local = next(csv.reader(file))
    read = set(
        re.findall(r'd(?:ata)?f(?:rame)?\["(\w+)"\]|^    "(\w+)": \(|LABEL = "(\w+)"', source(name), re.MULTILINE)
    )
    used = {group for groups in read for group in groups if group}
    assert ("accession_id" in used) == (name != "ehr_risk")
    assert used <= set(query.columns)
    assert set(local) <= set(query.columns) | {"age"}
    assert query.has_person_id


def source(name: str) -> str:
    return "\n".join(path.read_text() for path in sorted((TUTORIALS / name / "app").glob("*.py")))


def test_the_committed_spleen_data_are_what_the_script_writes(tmp_path: Path) -> None:
    line = re.search(r"```sh\npython (\S+) (.*)\n```", (SPLEEN / "README.md").read_text())
    assert line
    script, arguments = line[1], line[2].replace("data/spleen", str(tmp_path)).split()
    subprocess.run([sys.executable, REPO / script, *arguments], check=True, capture_output=True, timeout=120)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert written == sorted(p.relative_to(SPLEEN) for p in SPLEEN.rglob("*") if p.is_file() and p.suffix != ".md")
    for path in written:
        if path.suffix == ".csv":
            assert (SPLEEN / path).read_text() == (tmp_path / path).read_text()
        else:
            ours, theirs = (np.asarray(nibabel.load(root / path).dataobj) for root in (SPLEEN, tmp_path))
            assert (ours == theirs).mean() > 0.999  # the last digit of a sine may differ between machines


def test_every_tutorial_is_in_the_table_with_its_picture() -> None:
    table = (TUTORIALS / "README.md").read_text()
    for name in NAMES:
        assert f"[{name}]({name}/README.md)" in table
        assert f"pictures/{name}.png" in table
        assert (TUTORIALS / "pictures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs flwr[simulation]")
def test_flwr_run_works_from_the_tutorials_folder_as_the_readme_writes_it(tmp_path: Path) -> None:
    """One round of one epoch; the rest is `flip app run`'s, which is told apart from it by its own tests."""
    repo = tmp_path / "repo"
    ignore = shutil.ignore_patterns("flip-local", "__pycache__", "accession-resources", "dataframe.csv")
    app = shutil.copytree(TUTORIALS / "monai", repo / "tutorials" / "monai", ignore=ignore)
    (repo / "data").mkdir()
    (repo / "data" / "spleen").symlink_to(SPLEEN)
    (line,) = re.findall(r"^DEV_DATAFRAME=.*$", (app / "README.md").read_text(), re.MULTILINE)
    smaller = f"{line} --run-config 'num-server-rounds=1 local-epochs=1'"
    with flower_home(tmp_path / "home", Path(sys.executable).parent, {"OMP_NUM_THREADS": "1"}) as environment:
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            ["bash", "-ec", smaller], cwd=app, env=environment, capture_output=True, text=True, timeout=600
        )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert "Received 2 results and 0 failures" in said, said[-3000:]
    assert os.path.exists(app / "flip-local") or "VAL_DICE" in said, said[-3000:]

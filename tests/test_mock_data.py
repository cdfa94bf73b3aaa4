"""Mock data of a real, approved project: `flip app run` takes them for a tutorial as it stands."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from demo.stack import Stack

REPO = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def test_a_tutorial_runs_unchanged_on_mock_data_of_a_project(stack: Stack, project: dict, tmp_path: Path) -> None:
    out = tmp_path / "mock"
    stack.trusts["trust-alpha"].cli("mock", "--project", project["id"], "--out", str(out), "--studies", "4")
    command = [
        str(REPO / ".venv-fl" / "bin" / "flip"), "app", "run", str(REPO / "tutorials" / "monai"),
        "--trusts", "2", "--run-config", "num-server-rounds=1",
    ]  # fmt: skip
    env = {
        **os.environ,
        "DEV_DATAFRAME": str(out / "dataframe.csv"),
        "DEV_IMAGES_DIR": str(out / "accession-resources"),
    }
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (reports,) = (tmp_path / "flip-local").iterdir()
    lines = (reports / "metrics.jsonl").read_text().splitlines()
    assert {"TRAIN_LOSS", "VAL_DICE"} <= {json.loads(line)["label"] for line in lines}

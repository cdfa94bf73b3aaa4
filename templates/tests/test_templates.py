"""Every template, as `flip app new` writes it: no finding, and its README's commands run and learn."""

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flip_contracts.app_check import check_app

NAMES = ("standard", "evaluation", "monai-segmentation", "xray-classification", "tabular")
FLIP = Path(sys.executable).parent / "flip"
STATUSES = ["INITIATED", "PREPARED", "TRAINING_STARTED", "RESULTS_UPLOADED"]
# A part of the data and of the training is enough to see that it learns; the tutorials' pages show all of it.
FEWER = {"standard": " --count 4", "monai-segmentation": " --count 5", "xray-classification": " --count 40"}
SHORTER = {
    "monai-segmentation": " --run-config 'num-server-rounds=2 local-epochs=1'",
    "xray-classification": " --run-config 'num-server-rounds=2 local-epochs=2'",
}


def make(name: str, folder: Path) -> Path:
    app = folder / "my-app"
    command = [FLIP, "app", "new", "my-app", "--template", name, "--publisher", "St-Marys", "--dir", app]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return app


def readme_commands(app: Path) -> list[str]:
    block = (app / "README.md").read_text().split("```sh\n")[1].split("```")[0]
    return [line.split("#")[0].strip() for line in block.splitlines()]


def run(command: str, app: Path) -> str:
    """Run a line of the README with this environment's programs and nothing else of the caller's."""
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(app)}
    environment |= {key: value for key, value in os.environ.items() if key.startswith("OPENBLAS")}
    done = subprocess.run(shlex.split(command), cwd=app, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (command, done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_new_app_has_no_finding(tmp_path: Path, name: str) -> None:
    app = make(name, tmp_path)
    files = {path.relative_to(app).as_posix(): path.read_bytes() for path in app.rglob("*") if path.is_file()}
    assert [f for f in check_app(files, trust_count=2) if f.severity in ("error", "warning")] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_readmes_commands_run(tmp_path: Path, name: str) -> None:
    if name == "monai-segmentation" and importlib.util.find_spec("monai") is None:
        pytest.skip("monai is not installed in this environment; the platform image has it")
    app = make(name, tmp_path)
    make_data, check, local_run = readme_commands(app)
    assert (make_data, check) == ("python data/make_data.py", "flip app check .")
    assert local_run == "flip app run . --data data/"
    run(make_data + FEWER.get(name, ""), app)
    run(check, app)  # the data made above are no part of the app
    result = json.loads(run(f"{local_run} --json{SHORTER.get(name, '')}", app))
    assert result["ok"]
    assert result["statuses"] == STATUSES
    assert result["failures"] == result["notices"] == []
    assert set(result["last_metrics"]) >= {"trust-1", "trust-2"}
    points = [json.loads(line) for line in (Path(result["folder"]) / "metrics.jsonl").read_text().splitlines()]
    if name == "evaluation":
        evaluation = json.loads((Path(result["folder"]) / "results" / "evaluation.json").read_text())
        assert evaluation["people"] == 400
        for part in (evaluation["pooled"], *evaluation["sites"].values()):
            value, low, high = part["auc"]
            assert 0.5 < low < value < high < 1
        return
    for trust in ("trust-1", "trust-2"):
        losses = [p["value"] for p in points if p["client_name"] == trust and p["label"] == "TRAIN_LOSS"]
        assert losses[-1] < losses[0]

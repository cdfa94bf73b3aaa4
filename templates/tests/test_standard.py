"""The standard template: the seed's minimal example, unchanged, and it runs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from flip_contracts.app_check import check_app

HERE = Path(__file__).parent
REPO = HERE.parents[1]
APPS = [REPO / "templates" / "standard", REPO / "tutorials" / "spleen_demo"]
SEED = """
from flip import FLIP
from flip.constants.flip_constants import ModelStatus
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from app.models import get_model
app = ServerApp()
@app.main()
def main(grid: Grid, context: Context, flip: FLIP = FLIP()) -> None:
    run_config = context.run_config
    num_rounds = int(run_config.get("num-server-rounds"))
    flip_model_id = run_config.get("flip-model-id")
    flip.update_status(flip_model_id, ModelStatus.INITIATED)
    model = get_model()
    flip.update_status(flip_model_id, ModelStatus.PREPARED)
    arrays = ArrayRecord(model.state_dict())
    strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0)
    strategy.start(grid=grid, initial_arrays=arrays, num_rounds=num_rounds)
    flip.update_status(flip_model_id, ModelStatus.TRAINING_STARTED)
    flip.update_status(flip_model_id, ModelStatus.RESULTS_UPLOADED)
"""


def test_the_server_apps_are_the_seeds_minimal_example() -> None:
    wanted = [line.strip() for line in SEED.splitlines() if line.strip()]
    for app in APPS:
        text = (app / "app" / "server_app.py").read_text()
        assert [line.strip() for line in text.splitlines() if line.strip()] == wanted
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(SEED))


def test_the_apps_have_no_finding() -> None:
    for app in APPS:
        files = {
            path.relative_to(app).as_posix(): path.read_bytes()
            for path in app.rglob("*")
            if path.is_file() and path.suffix in {".py", ".toml", ".md"} and "tests" not in path.parts
        }
        assert check_app(files, trust_count=2) == []


def test_the_template_trains_on_local_data(tmp_path: Path) -> None:
    make = "import sys, json; from pathlib import Path; from phantoms import make_local_cohort; "
    make += "print(json.dumps(make_local_cohort(Path(sys.argv[1]), 4)))"
    made = subprocess.check_output([sys.executable, "-c", make, str(tmp_path)], cwd=HERE, timeout=60)
    subprocess.run(
        [sys.executable, str(HERE / "inproc.py"), str(APPS[0]), "trust-alpha", "trust-beta"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **json.loads(made)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    (report,) = (tmp_path / "flip-local").iterdir()
    statuses = [json.loads(line)["status"] for line in (report / "status.jsonl").read_text().splitlines()]
    assert statuses == ["INITIATED", "PREPARED", "TRAINING_STARTED", "RESULTS_UPLOADED"]
    points = [json.loads(line) for line in (report / "metrics.jsonl").read_text().splitlines()]
    assert {point["client_name"] for point in points} == {"trust-alpha", "trust-beta"}
    losses = [point["value"] for point in points if point["client_name"] == "trust-alpha"]
    assert losses[-1] < losses[0]

"""The seed's minimal ServerApp, unchanged, in the standard template and in the tutorials with images."""

import ast
from pathlib import Path

REPO = Path(__file__).parents[2]
APPS = [REPO / "templates" / "standard", REPO / "tutorials" / "monai", REPO / "tutorials" / "xray_classification"]
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


def test_the_phantoms_of_both_segmentation_templates_are_the_same() -> None:
    one, other = (REPO / name / "data" / "make_data.py" for name in ("templates/standard", "tutorials/monai"))
    assert one.read_text() == other.read_text()

A round of half an hour, and replies after ten minutes are ignored.
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
flip-local-train-seconds = 1800
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
-- app/server_app.py --
import sys

from flip import FLIP
from flip.constants import ModelStatus
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid, context, flip: FLIP = FLIP()) -> None:
    model_id = context.run_config["flip-model-id"]
    flip.update_status(model_id, ModelStatus.INITIATED)
    flip.update_status(model_id, ModelStatus.PREPARED)
    strategy = FedAvg()
    strategy.start(grid=grid, initial_arrays=None, num_rounds=3, timeout=10 * 60)  #> round_timeout_too_short
    flip.update_status(model_id, ModelStatus.RUNNING)
    flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)

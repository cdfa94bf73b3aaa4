The last call is only a comment and a text.
expect: results_uploaded_missing app/server_app.py
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
    strategy.start(grid=grid, initial_arrays=None, num_rounds=3)
    flip.update_status(model_id, ModelStatus.RUNNING)
    # flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)
    print("flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)")

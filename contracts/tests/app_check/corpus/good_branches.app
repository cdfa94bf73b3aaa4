An early end with a return, both branches report, a try with finally, a call in a helper.
-- app/server_app.py --
import sys

from flip import FLIP
from flip.constants import ModelStatus
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


def finish(flip, model_id):
    flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)


@app.main()
def main(grid, context, flip: FLIP = FLIP()) -> None:
    model_id = context.run_config["flip-model-id"]
    flip.update_status(model_id, ModelStatus.INITIATED)
    if context.run_config.get("nothing-to-do"):
        finish(flip, model_id)
        flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)
        return
    flip.update_status(model_id, ModelStatus.PREPARED)
    try:
        FedAvg().start(grid=grid, initial_arrays=None, num_rounds=3)
        flip.update_status(model_id, ModelStatus.TRAINING_STARTED)
    finally:
        if context.run_config.get("quick"):
            flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)
        else:
            finish(flip, model_id)

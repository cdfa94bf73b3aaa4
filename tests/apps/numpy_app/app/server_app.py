"""A light app whose run-config key `behaviour` chooses how it goes wrong."""

import os

import numpy as np
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from flip import FLIP
from flip.constants.flip_constants import ModelStatus

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context, flip: FLIP = FLIP()) -> None:
    behaviour = context.run_config["behaviour"]
    model_id = context.run_config["flip-model-id"]
    flip.update_status(model_id, ModelStatus.INITIATED)
    if behaviour == "server_raises":
        raise ValueError("the server has a bad day")
    if behaviour == "server_exits":
        os._exit(3)
    flip.update_status(model_id, ModelStatus.PREPARED)
    start = np.load(flip.get_file("weights/start.npy")) if behaviour == "staged" else np.zeros(4, np.float32)
    strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0)
    strategy.start(
        grid=grid,
        initial_arrays=ArrayRecord([start]),
        num_rounds=int(context.run_config["num-server-rounds"]),
    )
    flip.update_status(model_id, ModelStatus.TRAINING_STARTED)
    if behaviour != "silent":
        flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)

A subclassed strategy, lifespan, query and evaluate; the statuses come from the strategy.
-- app/strategy.py --
from flip.constants import ModelStatus
from flwr.serverapp.strategy import FedAvg


class MyStrategy(FedAvg):
    def __init__(self, *args, flip, model_id, **kwargs):
        super().__init__(*args, **kwargs)
        self._flip = flip
        self._model_id = model_id

    def configure_train(self, server_round, arrays, config, grid):
        self._flip.update_status(self._model_id, ModelStatus.TRAINING_STARTED)
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        self._flip.send_metrics("server", self._model_id, label="ROUND", value=server_round, round=server_round)
        return super().aggregate_train(server_round, replies)
-- app/server_app.py --
from contextlib import contextmanager

from flip import FLIP
from flip.constants import ModelStatus
from flwr.serverapp import ServerApp

from .strategy import MyStrategy

app = ServerApp()


@app.lifespan()
@contextmanager
def lifespan(context):
    flip = FLIP()
    flip.update_status(context.run_config["flip-model-id"], ModelStatus.INITIATED)
    yield
    flip.update_status(context.run_config["flip-model-id"], ModelStatus.RESULTS_UPLOADED)


@app.main()
def main(grid, context, flip: FLIP = FLIP()) -> None:
    model_id = context.run_config["flip-model-id"]
    flip.update_status(model_id, ModelStatus.PREPARED)
    MyStrategy(flip=flip, model_id=model_id).start(grid=grid, initial_arrays=None, num_rounds=3, timeout=7200)
-- app/client_app.py --
from flwr.clientapp import ClientApp
from flwr.clientapp.mod import LocalDpMod, arrays_size_mod

app = ClientApp(mods=[arrays_size_mod, LocalDpMod(1.0, 1.0, 1.0, 1e-5)])


@app.train()
@app.evaluate()
def both(msg, context):
    return msg


@app.query("stats", mods=[arrays_size_mod])
def query(msg, context):
    return msg

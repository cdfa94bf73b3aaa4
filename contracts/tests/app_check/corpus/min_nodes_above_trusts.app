A number, a name, a product and a declared key, each above two trusts; two is fine.
trusts: 2
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
    strategy = FedAvg(
        min_available_nodes=5,  #> min_nodes_above_trusts
        min_train_nodes=LEAST,  #> min_nodes_above_trusts
        min_evaluate_nodes=int(context.run_config.get("num-server-rounds", 1)),  #> min_nodes_above_trusts
        min_fit_clients=2,
    )
    strategy.start(grid=grid, initial_arrays=None, num_rounds=3)
    flip.update_status(model_id, ModelStatus.RUNNING)
    flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)


LEAST = 2 * 2

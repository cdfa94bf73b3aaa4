"""Deterministic: the same rounds give the same model, to the bit. It knows nothing of crashes."""

import flwr.serverapp.strategy as strategies
import numpy as np
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp

app = ServerApp()
SETTINGS = {"FedAdam": {"beta_1": 0.9, "beta_2": 0.99}, "FedProx": {"proximal_mu": 0.1}}


@app.main()
def main(grid: Grid, context: Context) -> None:
    name = str(context.run_config["strategy"])
    strategy = getattr(strategies, name)(fraction_train=1.0, fraction_evaluate=0.0, **SETTINGS.get(name, {}))
    arrays = ArrayRecord([np.linspace(0, 1, 64, dtype=np.float32)])
    rounds = int(context.run_config["num-server-rounds"])
    result = strategy.start(grid=grid, initial_arrays=arrays, num_rounds=rounds, timeout=600)
    print("ROUNDS", sorted(result.train_metrics_clientapp))

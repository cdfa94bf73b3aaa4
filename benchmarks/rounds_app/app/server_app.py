"""FedAvg over random float32 layers. Prints the time at which each round begins, and the time of the end."""

import time

import numpy as np
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

LAYERS = 8  # a model is several arrays, none of them huge
app = ServerApp()


class TimedFedAvg(FedAvg):
    def configure_train(self, server_round, arrays, config, grid):
        print(f"BENCH round {time.time():.6f}", flush=True)
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        print(f"BENCH replies {time.time():.6f}", flush=True)
        return super().aggregate_train(server_round, replies)


@app.main()
def main(grid: Grid, context: Context) -> None:
    values = max(1, int(context.run_config["model-bytes"]) // 4 // LAYERS)
    random = np.random.default_rng()
    model = ArrayRecord([random.random(values, dtype=np.float32) for _ in range(LAYERS)])
    strategy = TimedFedAvg(fraction_train=1.0, fraction_evaluate=0.0)
    strategy.start(grid=grid, initial_arrays=model, num_rounds=int(context.run_config["num-server-rounds"]))
    print(f"BENCH round {time.time():.6f}", flush=True)

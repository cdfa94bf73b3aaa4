"""Trains with FedAvg, then asks on its own with query messages. `train = false`: the queries alone."""

import json

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.lifespan()
def lifespan(context: Context):
    print("LIFESPAN begins", flush=True)
    yield
    print("LIFESPAN ends", flush=True)


@app.main()
def main(grid: Grid, context: Context) -> None:
    if context.run_config["train"]:
        strategy = FedAvg(fraction_train=1.0, fraction_evaluate=1.0)
        result = strategy.start(
            grid=grid,
            initial_arrays=ArrayRecord([np.zeros(4, np.float32)]),
            num_rounds=int(context.run_config["num-server-rounds"]),
            evaluate_fn=lambda server_round, arrays: None,
        )
        for server_round, metrics in result.train_metrics_clientapp.items():
            print("TRAIN", server_round, json.dumps(dict(metrics)))
        for server_round, metrics in result.evaluate_metrics_clientapp.items():
            print("EVALUATE", server_round, json.dumps(dict(metrics)))
    ask(grid, "query")
    ask(grid, "query.name")


def ask(grid: Grid, message_type: str) -> None:
    content = RecordDict({"config": ConfigRecord({"what": "your name"})})
    messages = [Message(content, node, message_type) for node in grid.get_node_ids()]
    for reply in grid.send_and_receive(messages):
        print("ANSWER", message_type, json.dumps(dict(reply.content["metrics"])))

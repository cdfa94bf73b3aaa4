"""A reply that depends on the model, the round and the trust alone; it takes as long as the config says."""

import os
import signal
import time

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(msg: Message, context: Context) -> Message:
    config, trust = context.run_config, os.environ["SUPERNODE_NAME"]
    if config["stubborn"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(float(config["slow-seconds"] if trust == config["slow-trust"] else config["seconds"]))
    weight = 1 + sum(trust.encode()) % 5
    number = msg.content["config"]["server-round"]
    values = [v * np.float32(0.9) + np.float32(number / weight) for v in msg.content["arrays"].to_numpy_ndarrays()]
    metrics = MetricRecord({"num-examples": weight, "loss": float(values[0].mean())})
    return Message(RecordDict({"arrays": ArrayRecord(values), "metrics": metrics}), reply_to=msg)

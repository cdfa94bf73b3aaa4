"""No training: one random number is added to each layer, so that every byte of the reply is new."""

import time

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(msg: Message, context: Context) -> Message:
    print(f"BENCH client {time.time():.6f}", flush=True)
    noise = np.random.default_rng()
    layers = [layer + noise.standard_normal(dtype=np.float32) for layer in msg.content["arrays"].to_numpy_ndarrays()]
    print(f"BENCH client-end {time.time():.6f}", flush=True)
    return Message(
        RecordDict({"arrays": ArrayRecord(layers), "metrics": MetricRecord({"num-examples": 1})}), reply_to=msg
    )

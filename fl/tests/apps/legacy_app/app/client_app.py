"""The shape of Flower's examples before its message API: a `client_fn` that returns a `NumPyClient`."""

import os

from flwr.client import Client, ClientApp, NumPyClient
from flwr.common import Context

STEP = {"alpha": 1, "beta": 2}


class FlowerClient(NumPyClient):
    def fit(self, parameters, config):
        step = STEP[os.environ["SUPERNODE_NAME"]]
        return [values + step for values in parameters], step, {"step": step}

    def evaluate(self, parameters, config):
        return float(parameters[0].mean()), 1, {"accuracy": 0.5}


def client_fn(context: Context) -> Client:
    return FlowerClient().to_client()


app = ClientApp(client_fn=client_fn)

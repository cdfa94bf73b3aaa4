The older shape: server_fn, client_fn and a NumPyClient.
base: none
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
expect: lifecycle_missing legacy/server_app.py
expect: results_uploaded_missing legacy/server_app.py
-- pyproject.toml --
[project]
name = "legacy-numpy-client"
version = "1.0.0"
description = ""
license = "Apache-2.0"
dependencies = ["flwr[simulation]>=1.26.1"]
[tool.hatch.build.targets.wheel]
packages = ["."]
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "legacy.server_app:app"
clientapp = "legacy.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
-- README.md --
# App
-- legacy/__init__.py --
-- legacy/server_app.py --
from flwr.common import Context, ndarrays_to_parameters
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg

from legacy.task import get_model


def server_fn(context: Context):
    strategy = FedAvg(
        fraction_fit=1.0,
        min_available_clients=2,
        initial_parameters=ndarrays_to_parameters(get_model()),
    )
    return ServerAppComponents(strategy=strategy, config=ServerConfig(context.run_config["num-server-rounds"]))


app = ServerApp(server_fn=server_fn)
-- legacy/client_app.py --
from flwr.client import ClientApp, NumPyClient
from flwr.common import Context

from legacy.task import get_model


class FlowerClient(NumPyClient):
    def fit(self, parameters, config):
        return parameters, 1, {}

    def evaluate(self, parameters, config):
        return 0.0, 1, {"accuracy": 1.0}


def client_fn(context: Context):
    return FlowerClient().to_client()


app = ClientApp(client_fn)
-- legacy/task.py --
import numpy as np


def get_model():
    return [np.ones((1, 1))]

The shape of Flower's quickstart-numpy: it runs as it is, and has no lifecycle calls.
base: none
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
expect: lifecycle_missing quickstart_numpy/server_app.py
expect: results_uploaded_missing quickstart_numpy/server_app.py
-- pyproject.toml --
[project]
name = "quickstart-numpy"
version = "1.0.0"
description = ""
license = "Apache-2.0"
dependencies = ["flwr[simulation]>=1.26.1"]
[tool.hatch.build.targets.wheel]
packages = ["."]
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "quickstart_numpy.server_app:app"
clientapp = "quickstart_numpy.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
-- README.md --
# App
-- quickstart_numpy/__init__.py --
-- quickstart_numpy/server_app.py --
import numpy as np
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from quickstart_numpy.task import get_model

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    num_rounds: int = context.run_config["num-server-rounds"]
    strategy = FedAvg()
    result = strategy.start(grid=grid, initial_arrays=ArrayRecord(get_model()), num_rounds=num_rounds)
    ndarrays = result.arrays.to_numpy_ndarrays()
    np.savez("final_model", *ndarrays)
-- quickstart_numpy/client_app.py --
import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from quickstart_numpy.task import load_data

app = ClientApp()


@app.train()
def train(msg: Message, context: Context):
    data = load_data(context.node_config["partition-id"], context.node_config["num-partitions"])
    model = [m + np.random.rand(*m.shape) for m in msg.content["arrays"].to_numpy_ndarrays()]
    metrics = MetricRecord({"num-examples": len(data)})
    return Message(content=RecordDict({"arrays": ArrayRecord(model), "metrics": metrics}), reply_to=msg)


@app.evaluate()
def evaluate(msg: Message, context: Context):
    return Message(content=RecordDict({"metrics": MetricRecord({"num-examples": 1})}), reply_to=msg)
-- quickstart_numpy/task.py --
import numpy as np


def get_model():
    return [np.ones((1, 1))]


def load_data(partition_id, num_partitions):
    return [1]

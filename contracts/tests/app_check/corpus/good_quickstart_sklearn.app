The shape of Flower's quickstart-sklearn: joblib.dump is no load; its data set is not there on the platform.
base: none
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
expect: lifecycle_missing sklearnexample/server_app.py
expect: results_uploaded_missing sklearnexample/server_app.py
-- pyproject.toml --
[project]
name = "quickstart-sklearn"
version = "1.0.0"
description = ""
license = "Apache-2.0"
dependencies = ["flwr[simulation]>=1.26.1"]
[tool.hatch.build.targets.wheel]
packages = ["."]
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "sklearnexample.server_app:app"
clientapp = "sklearnexample.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
penalty = "l2"
-- README.md --
# App
-- sklearnexample/__init__.py --
-- sklearnexample/server_app.py --
import joblib
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from sklearnexample.task import get_model

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    num_rounds: int = context.run_config["num-server-rounds"]
    strategy = FedAvg()
    result = strategy.start(grid=grid, initial_arrays=ArrayRecord(get_model()), num_rounds=num_rounds)
    ndarrays = result.arrays.to_numpy_ndarrays()
    joblib.dump(ndarrays, "logreg_model.pkl")
-- sklearnexample/client_app.py --
import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from sklearnexample.task import load_data

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
-- sklearnexample/task.py --
from flwr.common import NDArrays
from flwr_datasets import FederatedDataset  #> import_not_on_image
from flwr_datasets.partitioner import IidPartitioner
from sklearn.linear_model import LogisticRegression

fds = None


def get_model() -> NDArrays:
    return [LogisticRegression(penalty="l2", max_iter=1, warm_start=True).coef_]


def load_data(partition_id: int, num_partitions: int):
    global fds
    if fds is None:
        partitioner = IidPartitioner(num_partitions=num_partitions)
        fds = FederatedDataset(dataset="hitorilabs/iris", partitioners={"train": partitioner})  #> runtime_download
    return fds.load_partition(partition_id, "train").with_format("pandas")[:]

The shape of Flower's quickstart-pytorch: model.eval() and torch.save are fine.
base: none
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
expect: lifecycle_missing pytorchexample/server_app.py
expect: results_uploaded_missing pytorchexample/server_app.py
-- pyproject.toml --
[project]
name = "quickstart-pytorch"
version = "1.0.0"
description = ""
license = "Apache-2.0"
dependencies = ["flwr[simulation]>=1.26.1"]
[tool.hatch.build.targets.wheel]
packages = ["."]
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "pytorchexample.server_app:app"
clientapp = "pytorchexample.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
fraction-evaluate = 0.5
learning-rate = 0.1
[tool.flwr.federations]
default = "local"
-- README.md --
# App
-- pytorchexample/__init__.py --
-- pytorchexample/server_app.py --
import torch
from flwr.app import ArrayRecord, ConfigRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from pytorchexample.task import Net, load_data, test

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    fraction_evaluate: float = context.run_config["fraction-evaluate"]
    strategy = FedAvg(fraction_evaluate=fraction_evaluate)
    result = strategy.start(
        grid=grid,
        initial_arrays=ArrayRecord(Net().state_dict()),
        train_config=ConfigRecord({"lr": context.run_config["learning-rate"]}),
        num_rounds=context.run_config["num-server-rounds"],
        evaluate_fn=global_evaluate,
    )
    torch.save(result.arrays.to_torch_state_dict(), "final_model.pt")


def global_evaluate(server_round: int, arrays: ArrayRecord) -> MetricRecord:
    model = Net()
    model.load_state_dict(arrays.to_torch_state_dict())
    loss, accuracy = test(model, load_data(0, 1), torch.device("cpu"))
    return MetricRecord({"accuracy": accuracy, "loss": loss})
-- pytorchexample/client_app.py --
import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from pytorchexample.task import Net, load_data
from pytorchexample.task import test as test_fn
from pytorchexample.task import train as train_fn

app = ClientApp()


@app.train()
def train(msg: Message, context: Context):
    model = Net()
    model.load_state_dict(msg.content["arrays"].to_torch_state_dict())
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    trainloader = load_data(context.node_config["partition-id"], context.node_config["num-partitions"])
    train_loss = train_fn(model.to(device), trainloader, msg.content["config"]["lr"])
    metrics = MetricRecord({"train_loss": train_loss, "num-examples": len(trainloader.dataset)})
    return Message(content=RecordDict({"arrays": ArrayRecord(model.state_dict()), "metrics": metrics}), reply_to=msg)


@app.evaluate()
def evaluate(msg: Message, context: Context):
    loss, accuracy = test_fn(Net(), load_data(0, 1), torch.device("cpu"))
    metrics = MetricRecord({"eval_loss": loss, "eval_acc": accuracy, "num-examples": 1})
    return Message(content=RecordDict({"metrics": metrics}), reply_to=msg)
-- pytorchexample/task.py --
import torch
import torch.nn as nn
import torch.nn.functional as F
from datasets import load_dataset  #> import_not_on_image
from torch.utils.data import DataLoader
from torchvision.transforms import Compose, Normalize, ToTensor  #> import_not_on_image


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)

    def forward(self, x):
        return F.relu(self.conv1(x))


pytorch_transforms = Compose([ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])


def load_data(partition_id: int, num_partitions: int):
    return DataLoader(load_dataset("uoft-cs/cifar10", split="test"), batch_size=128)  #> runtime_download


def train(net, trainloader, lr):
    net.train()
    return 0.0


def test(net, testloader, device):
    net.eval()
    with torch.no_grad():
        return 0.0, 1.0

import os

import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from app.task import Net, load_data
from app.task import test as test_fn
from app.task import train as train_fn

app = ClientApp()
SEEDS = {"alpha": 1, "beta": 2}


@app.train()
def train(msg: Message, context: Context):
    """Train the model on local data."""
    model = Net()
    model.load_state_dict(msg.content["arrays"].to_torch_state_dict())
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    model.to(device)

    images, labels = load_data(SEEDS[os.environ["SUPERNODE_NAME"]])
    train_loss = train_fn(model, images.to(device), labels.to(device), epochs=10)

    model_record = ArrayRecord(model.state_dict())
    metric_record = MetricRecord({"train_loss": train_loss, "num-examples": len(images)})
    content = RecordDict({"arrays": model_record, "metrics": metric_record})
    return Message(content=content, reply_to=msg)


@app.evaluate()
def evaluate(msg: Message, context: Context):
    """Evaluate the model on local data."""
    model = Net()
    model.load_state_dict(msg.content["arrays"].to_torch_state_dict())
    images, labels = load_data(10 + SEEDS[os.environ["SUPERNODE_NAME"]])
    eval_loss, eval_acc = test_fn(model, images, labels)
    metrics = MetricRecord({"eval_loss": eval_loss, "eval_acc": eval_acc, "num-examples": len(images)})
    return Message(content=RecordDict({"metrics": metrics}), reply_to=msg)

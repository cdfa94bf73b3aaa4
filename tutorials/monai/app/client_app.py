"""What each trust does in a round: read its cohort, train, validate, report."""

import os

import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from monai.losses import DiceCELoss
from monai.metrics import DiceMetric
from monai.networks import one_hot
from monai.utils import set_determinism

from app.data import FLIP_BASE, get_datalist, get_loaders
from app.models import get_model

app = ClientApp()
loss_function = DiceCELoss(to_onehot_y=True, softmax=True)


def train_func(model, optimiser, loader, device) -> float:
    model.train()
    losses = []
    for batch in loader:
        optimiser.zero_grad()
        loss = loss_function(model(batch["image"].to(device)), batch["label"].to(device))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.no_grad()
def validate_func(model, loader, device) -> tuple[float, float]:
    """Mean Dice coefficient of the organ, and mean loss."""
    model.eval()
    metric = DiceMetric(include_background=False)
    losses = []
    for batch in loader:
        logits, label = model(batch["image"].to(device)), batch["label"].to(device)
        losses.append(loss_function(logits, label).item())
        metric(one_hot(logits.argmax(dim=1, keepdim=True), 2), one_hot(label, 2))
    return metric.aggregate().item(), sum(losses) / len(losses)


@app.train()
def train(msg: Message, context: Context) -> Message:
    run_config = context.run_config
    client_name = os.getenv("SUPERNODE_NAME", "unknown_client")
    model_id = run_config.get("flip-model-id")
    local_epochs = int(run_config["local-epochs"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    flip_utils = FLIP_BASE()
    flip_utils.project_id = run_config.get("flip-project-id")
    flip_utils.query = run_config.get("flip-cohort-query", "*")
    flip_utils.dataframe = flip_utils.flip.get_dataframe(
        project_id=flip_utils.project_id,
        query=flip_utils.query,
    )
    # global_round from server is 1-based; convert to 0-based for local epoch arithmetic
    global_round = int(msg.content["config"]["server-round"]) - 1
    set_determinism(global_round)  # the order of batches is the same in every run
    training, validation = get_loaders(get_datalist(flip_utils), int(run_config["batch-size"]))

    model = get_model()
    model.load_state_dict(msg.content["arrays"].to_torch_state_dict())
    model.to(device)
    learning_rate = float(run_config["learning-rate"]) / (1 + global_round)  # a new optimiser's first steps are bold
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate)

    for epoch in range(local_epochs):
        train_loss = train_func(model, optimiser, training, device)
        val_dice, val_loss = validate_func(model, validation, device)
        round_num = global_round * local_epochs + epoch + 1
        flip_utils.flip.send_metrics(client_name, model_id, label="TRAIN_LOSS", value=train_loss, round=round_num)
        flip_utils.flip.send_metrics(client_name, model_id, label="VAL_LOSS", value=val_loss, round=round_num)
        flip_utils.flip.send_metrics(client_name, model_id, label="VAL_DICE", value=val_dice, round=round_num)

    metrics = {"train_loss": train_loss, "val_dice": val_dice, "num-examples": len(training.dataset)}
    content = RecordDict({"arrays": ArrayRecord(model.cpu().state_dict()), "metrics": MetricRecord(metrics)})
    return Message(content=content, reply_to=msg)

"""What each trust does in a round: read its cohort, load its radiographs, train, validate, report."""

import os

import torch
from flip import FLIP
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from torch.nn.functional import binary_cross_entropy_with_logits

from app.data import load_cohort, split
from app.models import get_model

app = ClientApp()


def train_func(model, optimiser, images: torch.Tensor, labels: torch.Tensor, batch_size: int) -> float:
    model.train()
    total = 0.0
    for batch in torch.randperm(len(images)).split(batch_size):
        optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(model(images[batch]), labels[batch])
        loss.backward()
        optimiser.step()
        total += loss.item() * len(batch)
    return total / len(images)


@torch.no_grad()
def validate_func(model, images: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Mean loss and accuracy; the area under the ROC curve where both labels occur."""
    model.eval()
    logits = model(images)
    loss = binary_cross_entropy_with_logits(logits, labels).item()
    found = {"VAL_LOSS": loss, "VAL_ACCURACY": ((logits > 0) == (labels > 0)).float().mean().item()}
    positive, negative = logits[labels > 0], logits[labels == 0]
    if len(positive) and len(negative):
        difference = positive[:, None] - negative[None, :]
        found["VAL_AUC"] = ((difference > 0).float() + (difference == 0).float() / 2).mean().item()
    return found


@app.train()
def train(msg: Message, context: Context) -> Message:
    run_config = context.run_config
    flip = FLIP()
    client_name = os.getenv("SUPERNODE_NAME", "unknown_client")
    model_id = run_config.get("flip-model-id")
    local_epochs = int(run_config["local-epochs"])

    images, labels = load_cohort(flip, run_config["flip-project-id"], run_config.get("flip-cohort-query", "*"))
    training, validation = split(len(images))
    model = get_model()
    model.load_state_dict(msg.content["arrays"].to_torch_state_dict())
    optimiser = torch.optim.AdamW(model.parameters(), lr=float(run_config["learning-rate"]))

    # global_round from server is 1-based; convert to 0-based for local epoch arithmetic
    global_round = int(msg.content["config"]["server-round"]) - 1
    torch.manual_seed(global_round)  # the order of batches is the same in every run
    for epoch in range(local_epochs):
        train_loss = train_func(model, optimiser, images[training], labels[training], int(run_config["batch-size"]))
        round_num = global_round * local_epochs + epoch + 1
        flip.send_metrics(client_name, model_id, label="TRAIN_LOSS", value=train_loss, round=round_num)
        for label, value in validate_func(model, images[validation], labels[validation]).items():
            flip.send_metrics(client_name, model_id, label=label, value=value, round=round_num)

    metrics = {"train_loss": train_loss, "num-examples": len(training)}
    content = RecordDict({"arrays": ArrayRecord(model.state_dict()), "metrics": MetricRecord(metrics)})
    return Message(content=content, reply_to=msg)

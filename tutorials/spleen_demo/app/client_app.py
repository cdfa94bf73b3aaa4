"""What each trust does in a round: read its cohort, load its images, train, validate, report."""

import os

import torch
from flip import FLIP
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from torch.nn.functional import binary_cross_entropy_with_logits

from app.data import load_cohort, split
from app.models import get_model

torch.set_num_threads(1)  # a demo runs two trusts on two cores

app = ClientApp()


def loss_of(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Cross entropy plus soft Dice loss: the first steers every voxel, the second cares for the small organ."""
    probability = logits.sigmoid()
    overlap = (probability * masks).sum(dim=(1, 2, 3, 4))
    total = (probability + masks).sum(dim=(1, 2, 3, 4))
    dice = (2 * overlap + 1) / (total + 1)
    return binary_cross_entropy_with_logits(logits, masks) + 1 - dice.mean()


def train_func(model, optimiser, images: torch.Tensor, masks: torch.Tensor, batch_size: int) -> float:
    model.train()
    total = 0.0
    for batch in torch.randperm(len(images)).split(batch_size):
        optimiser.zero_grad()
        loss = loss_of(model(images[batch]), masks[batch])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # a fresh optimiser's first steps are bold
        optimiser.step()
        total += loss.item() * len(batch)
    return total / len(images)


@torch.no_grad()
def validate_func(model, images: torch.Tensor, masks: torch.Tensor) -> tuple[float, float]:
    """Mean Dice coefficient of the thresholded masks, and mean loss."""
    model.eval()
    logits = model(images)
    found, wanted = logits > 0, masks > 0
    overlap = (found & wanted).sum(dim=(1, 2, 3, 4))
    total = found.sum(dim=(1, 2, 3, 4)) + wanted.sum(dim=(1, 2, 3, 4))
    dice = torch.where(total > 0, 2 * overlap / total.clamp(min=1), torch.ones_like(total))
    return dice.float().mean().item(), loss_of(logits, masks).item()


@app.train()
def train(msg: Message, context: Context) -> Message:
    run_config = context.run_config
    flip = FLIP()
    client_name = os.getenv("SUPERNODE_NAME", "unknown_client")
    model_id = run_config.get("flip-model-id")
    local_epochs = int(run_config["local-epochs"])

    images, masks = load_cohort(flip, run_config["flip-project-id"], run_config.get("flip-cohort-query", "*"))
    training, validation = split(len(images))
    model = get_model()
    model.load_state_dict(msg.content["arrays"].to_torch_state_dict())

    # global_round from server is 1-based; convert to 0-based for local epoch arithmetic
    global_round = int(msg.content["config"]["server-round"]) - 1
    learning_rate = float(run_config["learning-rate"]) / (1 + global_round)  # later rounds refine
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    torch.manual_seed(global_round)  # the order of batches is the same in every run
    for epoch in range(local_epochs):
        train_loss = train_func(model, optimiser, images[training], masks[training], int(run_config["batch-size"]))
        val_dice, val_loss = validate_func(model, images[validation], masks[validation])
        round_num = global_round * local_epochs + epoch + 1
        flip.send_metrics(client_name, model_id, label="TRAIN_LOSS", value=train_loss, round=round_num)
        flip.send_metrics(client_name, model_id, label="VAL_LOSS", value=val_loss, round=round_num)
        flip.send_metrics(client_name, model_id, label="VAL_DICE", value=val_dice, round=round_num)

    metrics = {"train_loss": train_loss, "val_dice": val_dice, "num-examples": len(training)}
    content = RecordDict({"arrays": ArrayRecord(model.state_dict()), "metrics": MetricRecord(metrics)})
    return Message(content=content, reply_to=msg)

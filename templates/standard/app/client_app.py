"""What each trust does in a round: read its cohort, load its images, train, report."""

import os
from pathlib import Path

import nibabel
import torch
from flip import FLIP
from flip.constants import ResourceType
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from app.models import get_model

SHAPE = (16, 32, 32)  # Z, Y, X of what the network sees

app = ClientApp()


def load(path: str, mode: str) -> torch.Tensor:
    """Read a NIfTI file as (1, Z, Y, X) float32 on the network's grid."""
    volume = torch.from_numpy(nibabel.load(path).get_fdata(dtype="float32")).permute(2, 1, 0)
    return interpolate(volume[None, None], SHAPE, mode=mode)[0]


def load_cohort(flip_client: FLIP, project_id: str, query: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and masks of every accession that has both, each (N, 1, Z, Y, X)."""
    df = flip_client.get_dataframe(project_id=project_id, query=query)
    datalist = []
    for accession_id in df["accession_id"].unique():
        try:
            accession_folder_path = flip_client.get_by_accession_number(
                project_id,
                accession_id,
                resource_type=[ResourceType.NIFTI, ResourceType.SEGMENTATION],
            )
        except Exception as err:  # noqa: BLE001  one bad study must not end the round
            print(f"Could not get image data of one accession: {err}")
            continue
        for img in accession_folder_path.rglob("input_*.nii.gz"):
            seg = str(img).replace("/input_", "/label_")
            if not Path(seg).exists():
                continue
            datalist.append({"image": str(img), "label": seg})
    if not datalist:
        raise RuntimeError("no accession of the cohort has both an image and a segmentation")
    images = torch.stack([load(item["image"], "area") for item in datalist])
    masks = torch.stack([load(item["label"], "nearest") for item in datalist])
    return images.clamp(-200, 300) / 250, (masks > 0).float()


def train_one_epoch(model, optimiser, images, masks, batch_size: int) -> float:
    losses = []
    for batch in torch.randperm(len(images)).split(batch_size):
        optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(model(images[batch]), masks[batch])
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@app.train()
def train(msg: Message, context: Context) -> Message:
    run_config = context.run_config
    flip_client = FLIP()
    client_name = os.getenv("SUPERNODE_NAME", "unknown_client")
    model_id = run_config.get("flip-model-id")
    local_epochs = int(run_config["local-epochs"])

    images, masks = load_cohort(flip_client, run_config["flip-project-id"], run_config.get("flip-cohort-query", "*"))
    model = get_model()
    model.load_state_dict(msg.content["arrays"].to_torch_state_dict())
    optimiser = torch.optim.Adam(model.parameters(), lr=float(run_config["learning-rate"]))

    # global_round from server is 1-based; convert to 0-based for local epoch arithmetic
    global_round = int(msg.content["config"]["server-round"]) - 1
    torch.manual_seed(global_round)
    for epoch in range(local_epochs):
        train_loss = train_one_epoch(model, optimiser, images, masks, int(run_config["batch-size"]))
        round_num = global_round * local_epochs + epoch + 1
        flip_client.send_metrics(client_name, model_id, label="TRAIN_LOSS", value=train_loss, round=round_num)

    content = RecordDict(
        {
            "arrays": ArrayRecord(model.state_dict()),
            "metrics": MetricRecord({"train_loss": train_loss, "num-examples": len(images)}),
        }
    )
    return Message(content=content, reply_to=msg)

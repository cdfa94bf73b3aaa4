"""From FLIP's cohort and images to tensors on the network's grid."""

from pathlib import Path

import nibabel
import torch
from flip import FLIP
from flip.constants import ResourceType
from torch.nn.functional import interpolate

SHAPE = (32, 48, 48)  # Z, Y, X of what the network sees
WINDOW = (-160.0, 240.0)  # Hounsfield units: the usual window for soft tissue of the abdomen


def load(path: str, mode: str) -> torch.Tensor:
    """Read a NIfTI volume (X, Y, Z) as (1, Z, Y, X) float32 on the network's grid."""
    volume = torch.from_numpy(nibabel.load(path).get_fdata(dtype="float32")).permute(2, 1, 0)
    return interpolate(volume[None, None], SHAPE, mode=mode)[0]


def load_cohort(flip: FLIP, project_id: str, query: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images in [-1, 1] and 0/1 masks of every accession that has both, each (N, 1, Z, Y, X)."""
    df = flip.get_dataframe(project_id=project_id, query=query)
    datalist = []
    for accession_id in sorted(df["accession_id"].unique()):
        try:
            accession_folder_path = flip.get_by_accession_number(
                project_id,
                accession_id,
                resource_type=[ResourceType.NIFTI, ResourceType.SEGMENTATION],
            )
        except Exception as err:  # noqa: BLE001  one bad study must not end the round
            print(f"Could not get image data of one accession: {err}")
            continue
        for img in sorted(accession_folder_path.rglob("input_*.nii.gz")):
            seg = str(img).replace("/input_", "/label_")
            if not Path(seg).exists():
                continue
            datalist.append({"image": str(img), "label": seg})
    if len(datalist) < 2:
        raise RuntimeError("fewer than two accessions of the cohort have both an image and a segmentation")
    low, high = WINDOW
    images = torch.stack([load(item["image"], "area") for item in datalist])
    masks = torch.stack([load(item["label"], "nearest") for item in datalist])
    return (images.clamp(low, high) - low) / (high - low) * 2 - 1, (masks > 0).float()


def split(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices for training and validation. Every fifth is for validation, the same ones in every round."""
    index = torch.arange(count)
    held_out = index % 5 == 1
    return index[~held_out], index[held_out]

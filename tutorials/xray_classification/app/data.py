"""From FLIP's cohort and radiographs to tensors."""

import nibabel
import torch
from flip import FLIP
from flip.constants import ResourceType
from torch.nn.functional import interpolate

LABEL = "pneumonia"  # a column of the cohort query: 0 or 1, from the condition table
SHAPE = (64, 64)  # rows and columns of what the network sees


def load(path: str) -> torch.Tensor:
    """Read a NIfTI radiograph (X, Y) or (X, Y, 1) as (1, Y, X) float32, mean 0 and standard deviation 1."""
    pixels = torch.from_numpy(nibabel.load(path).get_fdata(dtype="float32"))
    image = pixels.reshape(pixels.shape[0], pixels.shape[1]).T
    image = interpolate(image[None, None], SHAPE, mode="area")[0]
    return (image - image.mean()) / image.std().clamp(min=1e-6)


def load_cohort(flip: FLIP, project_id: str, query: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 1, Y, X) and labels (N,) of 0 and 1, of every accession that has both."""
    df = flip.get_dataframe(project_id=project_id, query=query)
    images, labels = [], []
    for accession_id, label in zip(df["accession_id"], df[LABEL], strict=True):
        if label not in (0, 1):  # missing in the record
            continue
        try:
            folder = flip.get_by_accession_number(project_id, accession_id, resource_type=[ResourceType.NIFTI])
        except Exception as err:  # noqa: BLE001  one bad study must not end the round
            print(f"Could not get image data of one accession: {err}")
            continue
        for path in sorted(folder.rglob("input_*.nii.gz")):
            images.append(load(str(path)))
            labels.append(float(label))
    if len(images) < 5:
        raise RuntimeError("fewer than five radiographs of the cohort have an image and a label")
    return torch.stack(images), torch.tensor(labels)


def split(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices for training and validation. Every fifth is for validation, the same ones in every round."""
    index = torch.arange(count)
    held_out = index % 5 == 1
    return index[~held_out], index[held_out]

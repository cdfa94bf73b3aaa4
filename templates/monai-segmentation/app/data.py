"""From FLIP's cohort to MONAI data sets."""

import logging
from pathlib import Path

from flip import FLIP
from flip.constants import ResourceType
from monai.data import DataLoader, Dataset
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    Orientationd,
    RandGaussianNoised,
    Resized,
    ScaleIntensityRanged,
)

SHAPE = (48, 48, 32)  # X, Y, Z of what the network sees
BOTH = ("image", "label")


class FLIP_BASE:  # noqa: N801
    """The FLIP client with the project's cohort."""

    def __init__(self, project_id: str, query: str):
        self.project_id = project_id
        self.flip = FLIP()
        self.dataframe = self.flip.get_dataframe(project_id=project_id, query=query)
        self.logger = logging.getLogger(self.__class__.__name__)

    def datalist(self) -> list[dict[str, str]]:
        """Image and label file of every accession that has both."""
        found = []
        for accession_id in sorted(self.dataframe["accession_id"].unique()):
            try:
                folder = self.flip.get_by_accession_number(
                    self.project_id,
                    accession_id,
                    resource_type=[ResourceType.NIFTI, ResourceType.SEGMENTATION],
                )
            except Exception as err:  # noqa: BLE001  one bad study must not end the round
                self.logger.warning("Could not get image data of one accession: %s", type(err).__name__)
                continue
            for img in sorted(folder.rglob("input_*.nii.gz")):
                seg = str(img).replace("/input_", "/label_")
                if Path(seg).exists():
                    found.append({"image": str(img), "label": seg})
        if len(found) < 2:
            raise RuntimeError("fewer than two accessions of the cohort have both an image and a segmentation")
        return found


def transforms(augment: bool) -> Compose:
    steps = [
        LoadImaged(BOTH),
        EnsureChannelFirstd(BOTH),
        Orientationd(BOTH, axcodes="RAS", labels=None),
        Resized(BOTH, SHAPE, mode=("area", "nearest")),
        ScaleIntensityRanged("image", a_min=-160, a_max=240, b_min=0, b_max=1, clip=True),  # Hounsfield units
    ]
    return Compose([*steps, RandGaussianNoised("image", std=0.02)] if augment else steps)


def loaders(datalist: list[dict[str, str]], batch_size: int) -> tuple[DataLoader, DataLoader]:
    """For training and for validation; every fifth study validates, the same ones in every round."""
    validation = [item for number, item in enumerate(datalist) if number % 5 == 1]
    training = [item for number, item in enumerate(datalist) if number % 5 != 1]
    return (
        DataLoader(Dataset(training, transforms(augment=True)), batch_size=batch_size, shuffle=True),
        DataLoader(Dataset(validation, transforms(augment=False)), batch_size=1),
    )

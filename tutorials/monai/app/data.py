"""From FLIP's cohort to MONAI data sets."""

import logging
from pathlib import Path

from flip import FLIP
from flip.constants import ResourceType
from monai.data import CacheDataset, DataLoader
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    Orientationd,
    RandGaussianNoised,
    Resized,
    ScaleIntensityRanged,
)

SHAPE = (40, 40, 24)  # X, Y, Z of what the network sees
BOTH = ("image", "label")


class FLIP_BASE:  # noqa: N801
    """The FLIP client with the project's cohort."""

    def __init__(self):
        self.project_id = ""
        self.query = ""
        self.dataframe = None
        self.flip = FLIP()
        self.logger = logging.getLogger(self.__class__.__name__)
        self.logger.setLevel(logging.INFO)


def get_datalist(flip_utils: FLIP_BASE) -> list[dict[str, str]]:
    """Image and label file of every accession of the cohort that has both."""
    datalist = []
    for accession_id in flip_utils.dataframe["accession_id"].unique():
        try:
            accession_folder_path = flip_utils.flip.get_by_accession_number(
                flip_utils.project_id,
                accession_id,
                resource_type=[ResourceType.NIFTI, ResourceType.SEGMENTATION],
            )
        except Exception as err:  # noqa: BLE001  one bad study must not end the round
            flip_utils.logger.warning("No image data of one accession: %s", type(err).__name__)
            continue
        for img in sorted(accession_folder_path.rglob("input_*.nii.gz")):
            seg = str(img).replace("/input_", "/label_")
            if not Path(seg).exists():
                continue
            datalist.append({"image": str(img), "label": seg})
    if len(datalist) < 2:
        raise RuntimeError("fewer than two accessions of the cohort have both an image and a segmentation")
    return datalist


def transforms(augment: bool) -> Compose:
    steps = [
        LoadImaged(BOTH),
        EnsureChannelFirstd(BOTH),
        Orientationd(BOTH, axcodes="RAS", labels=None),
        Resized(BOTH, SHAPE, mode=("area", "nearest")),
        ScaleIntensityRanged("image", a_min=-160, a_max=240, b_min=0, b_max=1, clip=True),  # Hounsfield units
    ]
    return Compose([*steps, RandGaussianNoised("image", std=0.02)] if augment else steps)


def get_loaders(datalist: list[dict[str, str]], batch_size: int) -> tuple[DataLoader, DataLoader]:
    """For training and for validation; every fifth study validates, the same ones in every round.

    Files are read once per round: the data sets keep what comes before the first random transform.
    """
    validation = [item for number, item in enumerate(datalist) if number % 5 == 1]
    training = [item for number, item in enumerate(datalist) if number % 5 != 1]
    return (
        DataLoader(cached(training, transforms(augment=True)), batch_size=batch_size, shuffle=True),
        DataLoader(cached(validation, transforms(augment=False)), batch_size=1),
    )


def cached(datalist: list[dict[str, str]], transform: Compose) -> CacheDataset:
    return CacheDataset(datalist, transform, num_workers=None, progress=False)

"""Names the seed's apps import: `ModelStatus` and `ResourceType`."""

from enum import StrEnum


class ModelStatus(StrEnum):
    """Lifecycle of a model, as the progress bar shows it. Same values as the hub's."""

    PENDING = "PENDING"
    INITIATED = "INITIATED"
    PREPARED = "PREPARED"
    TRAINING_STARTED = "TRAINING_STARTED"
    RUNNING = "TRAINING_STARTED"  # alias: later apps use this word
    RESULTS_UPLOADED = "RESULTS_UPLOADED"
    ERROR = "ERROR"
    STOPPED = "STOPPED"


class ResourceType(StrEnum):
    """What can be asked of an accession.

    `NIFTI` gives `input_*.nii.gz`; `SEGMENTATION` gives `label_*.nii.gz` beside it, on the same grid.
    """

    DICOM = "DICOM"
    NIFTI = "NIFTI"
    SEGMENTATION = "SEGMENTATION"
    ALL = "ALL"


__all__ = ["ModelStatus", "ResourceType"]

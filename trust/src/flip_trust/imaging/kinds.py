"""What is taken of a study, and what is refused by name: by SOP class and image type, never by a free text."""

from enum import StrEnum
from typing import Any, Final

from pydicom import Dataset, uid

from flip_trust.imaging.errors import Exclusion


class Kind(StrEnum):
    """What an object is to the pipeline."""

    VOLUME = "volume"  # slices that make a volume
    PROJECTION = "projection"  # a radiograph: one plane
    SEGMENTATION = "segmentation"
    STRUCTURE_SET = "structure_set"
    SECONDARY_CAPTURE = "secondary_capture"
    LOCALISER = "localiser"
    BURNED_IN = "burned_in"
    ULTRASOUND = "ultrasound"
    ANGIOGRAPHY = "angiography"
    REPORT = "report"
    DOCUMENT = "document"
    OTHER = "other"


ENHANCED: Final = frozenset(
    {
        uid.EnhancedCTImageStorage: uid.CTImageStorage,
        uid.EnhancedMRImageStorage: uid.MRImageStorage,
        uid.LegacyConvertedEnhancedCTImageStorage: uid.CTImageStorage,
        uid.LegacyConvertedEnhancedMRImageStorage: uid.MRImageStorage,
        uid.LegacyConvertedEnhancedPETImageStorage: uid.PositronEmissionTomographyImageStorage,
    }.items()
)
SINGLE_OF: Final = dict(ENHANCED)  # SOP class of a multi-frame object -> that of its frames, once they are split
VOLUMES: Final = frozenset(
    {uid.CTImageStorage, uid.MRImageStorage, uid.PositronEmissionTomographyImageStorage, *SINGLE_OF}
)
PROJECTIONS: Final = frozenset({uid.ComputedRadiographyImageStorage, uid.DigitalXRayImageStorageForPresentation})
LABEL_MAP: Final = uid.UID("1.2.840.10008.5.1.4.1.1.66.7")  # Label Map Segmentation Storage
SEGMENTATIONS: Final = frozenset({uid.SegmentationStorage, LABEL_MAP})

_REFUSED: Final[tuple[tuple[str, Kind], ...]] = (
    # The root of a family of SOP classes (DICOM PS3.6 table A-1), and what to call it.
    ("1.2.840.10008.5.1.4.1.1.7", Kind.SECONDARY_CAPTURE),
    ("1.2.840.10008.5.1.4.1.1.6", Kind.ULTRASOUND),
    ("1.2.840.10008.5.1.4.1.1.3", Kind.ULTRASOUND),
    ("1.2.840.10008.5.1.4.1.1.12", Kind.ANGIOGRAPHY),
    ("1.2.840.10008.5.1.4.1.1.88", Kind.REPORT),
    ("1.2.840.10008.5.1.4.1.1.104", Kind.DOCUMENT),
)
REASON_OF: Final[dict[Kind, Exclusion]] = {
    Kind.SECONDARY_CAPTURE: Exclusion.SECONDARY_CAPTURE,
    Kind.LOCALISER: Exclusion.LOCALISER,
    Kind.BURNED_IN: Exclusion.BURNED_IN_TEXT,
    Kind.ULTRASOUND: Exclusion.KIND_REFUSED,
    Kind.ANGIOGRAPHY: Exclusion.KIND_REFUSED,
    Kind.REPORT: Exclusion.KIND_REFUSED,
    Kind.DOCUMENT: Exclusion.KIND_REFUSED,
    Kind.OTHER: Exclusion.KIND_REFUSED,
}
IMAGES: Final = frozenset({Kind.VOLUME, Kind.PROJECTION})
LABELS: Final = frozenset({Kind.SEGMENTATION, Kind.STRUCTURE_SET})


def kind_of(ds: Dataset) -> Kind:
    sop_class = str(ds.get("SOPClassUID", ""))
    if sop_class in SEGMENTATIONS:
        return Kind.SEGMENTATION
    if sop_class == uid.RTStructureSetStorage:
        return Kind.STRUCTURE_SET
    if sop_class not in VOLUMES | PROJECTIONS:
        return next(
            (kind for root, kind in _REFUSED if sop_class == root or sop_class.startswith(f"{root}.")), Kind.OTHER
        )
    if str(ds.get("BurnedInAnnotation", "NO")).strip().upper() == "YES":
        return Kind.BURNED_IN
    words = image_type(ds)
    if "LOCALIZER" in words:
        return Kind.LOCALISER
    # DERIVED\SECONDARY of a single-frame class is a saved screen or reformat; enhanced objects have no other word.
    if "SECONDARY" in words and sop_class not in SINGLE_OF:
        return Kind.SECONDARY_CAPTURE
    return Kind.VOLUME if sop_class in VOLUMES else Kind.PROJECTION


def image_type(ds: Dataset) -> list[str]:
    value: Any = ds.get("ImageType") or []
    return [str(word).strip().upper() for word in ([value] if isinstance(value, str) else value)]

"""What survives de-identification. Everything not named here is dropped (PS3.15 Annex E, taken further).

Free text never survives: strings are kept only when they are one of a few fixed words.
"""

import re
from typing import Final

from pydicom.uid import CTImageStorage, MRImageStorage, SegmentationStorage

IMAGE_CLASSES: Final = frozenset({CTImageStorage, MRImageStorage})
SEG_CLASS: Final = SegmentationStorage

# UIDs that name an object: replaced by a keyed hash, the same everywhere in the project, so that references hold.
MAPPED_UIDS: Final = frozenset(
    [
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
        "ReferencedSOPInstanceUID",
        "DimensionOrganizationUID",
    ]
)
# UIDs that name a kind of object.
CLASS_UIDS: Final = frozenset({"SOPClassUID", "ReferencedSOPClassUID"})
KNOWN_CLASSES: Final = IMAGE_CLASSES | {SEG_CLASS}

_PIXELS: Final = (
    "Rows Columns SamplesPerPixel BitsAllocated BitsStored HighBit PixelRepresentation SeriesNumber InstanceNumber"
)
_PLANE: Final = "ImagePositionPatient ImageOrientationPatient PixelSpacing SliceThickness SpacingBetweenSlices"
IMAGE_NUMBERS: Final = frozenset(
    f"{_PIXELS} {_PLANE} AcquisitionNumber GantryDetectorTilt KVP EchoTime RepetitionTime FlipAngle "
    "MagneticFieldStrength RescaleIntercept RescaleSlope PixelPaddingValue WindowCenter WindowWidth".split()
)
SEG_NUMBERS: Final = frozenset(
    f"{_PIXELS} {_PLANE} NumberOfFrames SegmentNumber ReferencedSegmentNumber DimensionIndexValues "
    "MaximumFractionalValue".split()
)
SEG_POINTERS: Final = frozenset({"DimensionIndexPointer", "FunctionalGroupPointer"})
SEG_SEQUENCES: Final = frozenset(
    [
        "ReferencedSeriesSequence",
        "ReferencedInstanceSequence",
        "SourceImageSequence",
        "DerivationImageSequence",
        "PurposeOfReferenceCodeSequence",
        "DerivationCodeSequence",
        "DimensionOrganizationSequence",
        "DimensionIndexSequence",
        "SegmentSequence",
        "SegmentedPropertyCategoryCodeSequence",
        "SegmentedPropertyTypeCodeSequence",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "PlaneOrientationSequence",
        "PixelMeasuresSequence",
        "SegmentIdentificationSequence",
        "FrameContentSequence",
        "PlanePositionSequence",
    ]
)
WORDS: Final[dict[str, frozenset[str]]] = {
    "Modality": frozenset({"CT", "MR", "SEG"}),
    "ImageType": frozenset({"ORIGINAL", "DERIVED", "PRIMARY", "AXIAL"}),
    "PhotometricInterpretation": frozenset({"MONOCHROME1", "MONOCHROME2"}),
    "RescaleType": frozenset({"HU", "US"}),
    "SegmentationType": frozenset({"BINARY", "LABELMAP"}),
    "SegmentAlgorithmType": frozenset({"AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"}),
    "SegmentsOverlap": frozenset({"YES", "NO", "UNDEFINED"}),
    "DimensionOrganizationType": frozenset({"3D", "TILED_FULL", "TILED_SPARSE"}),
    "SpatialLocationsPreserved": frozenset({"YES", "NO", "REORIENTED_ONLY"}),
}
CODE_SCHEMES: Final = frozenset({"SCT", "SRT", "DCM", "FMA"})
CODE_VALUE: Final = re.compile(r"[0-9]{1,16}|[A-Z]-[0-9A-F]{5}")

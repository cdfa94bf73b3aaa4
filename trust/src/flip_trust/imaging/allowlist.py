"""What survives de-identification. Everything not named here is dropped (DICOM PS3.15 Annex E, taken further).

Free text never survives: strings are kept only when they are one of a few fixed words.
"""

import re
from typing import Final

from flip_trust.imaging.kinds import PROJECTIONS, SEGMENTATIONS, SINGLE_OF, VOLUMES

# UIDs that name an object: replaced by a keyed hash, the same everywhere in the project, so that references hold.
MAPPED_UIDS: Final = frozenset(
    [
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
        "ReferencedSOPInstanceUID",
        "ReferencedFrameOfReferenceUID",
        "DimensionOrganizationUID",
    ]
)
# UIDs that name a kind of object.
CLASS_UIDS: Final = frozenset({"SOPClassUID", "ReferencedSOPClassUID"})
RTSTRUCT: Final = "1.2.840.10008.5.1.4.1.1.481.3"
KNOWN_CLASSES: Final = VOLUMES | PROJECTIONS | SEGMENTATIONS | frozenset(SINGLE_OF.values()) | {RTSTRUCT}
DATES: Final = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")  # kept only where they are shifted

_PIXELS: Final = (
    "Rows Columns SamplesPerPixel BitsAllocated BitsStored HighBit PixelRepresentation SeriesNumber InstanceNumber"
)
_PLANE: Final = "ImagePositionPatient ImageOrientationPatient PixelSpacing SliceThickness SpacingBetweenSlices"
# What tells the volumes of one series apart, beside ImageType.
VOLUME_NUMBERS: Final = (
    "EchoTime",
    "EchoNumbers",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
    "InversionTime",
    "FlipAngle",
    "TriggerTime",
    "RepetitionTime",
)
IMAGE_NUMBERS: Final = frozenset(
    f"{_PIXELS} {_PLANE} {' '.join(VOLUME_NUMBERS)} GantryDetectorTilt KVP ImagerPixelSpacing "
    "MagneticFieldStrength RescaleIntercept RescaleSlope PixelPaddingValue WindowCenter WindowWidth".split()
)
SEG_NUMBERS: Final = frozenset(
    f"{_PIXELS} {_PLANE} NumberOfFrames SegmentNumber ReferencedSegmentNumber DimensionIndexValues "
    "MaximumFractionalValue".split()
)
RT_NUMBERS: Final = frozenset(
    [
        "SeriesNumber",
        "InstanceNumber",
        "ROINumber",
        "ReferencedROINumber",
        "ObservationNumber",
        "NumberOfContourPoints",
        "ContourData",
        "ContourNumber",
    ]
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
RT_SEQUENCES: Final = frozenset(
    [
        "ReferencedFrameOfReferenceSequence",
        "RTReferencedStudySequence",
        "RTReferencedSeriesSequence",
        "ContourImageSequence",
        "StructureSetROISequence",
        "ROIContourSequence",
        "ContourSequence",
        "RTROIObservationsSequence",
    ]
)
_IMAGE_TYPES: Final = (
    "ORIGINAL DERIVED PRIMARY AXIAL HELICAL MIXED VOLUME M P R I MAGNITUDE PHASE REAL IMAGINARY M_FFE P_FFE "
    "R_FFE I_FFE M_SE FFE SE IR TSE NORM DIS2D DIS3D ND FM3_2 ADC TRACEW DIFFUSION FA WATER FAT IN_PHASE "
    "OUT_PHASE IP OP W F OTHER NONE STATIC DYNAMIC"
)
IMAGE_TYPES: Final = frozenset(_IMAGE_TYPES.split())
WORDS: Final[dict[str, frozenset[str]]] = {
    "Modality": frozenset({"CT", "MR", "PT", "CR", "DX", "SEG", "RTSTRUCT"}),
    "ImageType": IMAGE_TYPES,
    "PhotometricInterpretation": frozenset({"MONOCHROME1", "MONOCHROME2"}),
    "RescaleType": frozenset({"HU", "US"}),
    "Units": frozenset({"BQML", "CNTS", "GML"}),
    "LossyImageCompression": frozenset({"00", "01"}),
    "SegmentationType": frozenset({"BINARY", "LABELMAP"}),
    "SegmentAlgorithmType": frozenset({"AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"}),
    "SegmentsOverlap": frozenset({"YES", "NO", "UNDEFINED"}),
    "DimensionOrganizationType": frozenset({"3D", "TILED_FULL", "TILED_SPARSE"}),
    "SpatialLocationsPreserved": frozenset({"YES", "NO", "REORIENTED_ONLY"}),
    "ContourGeometricType": frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "OPEN_PLANAR", "POINT"}),
    "RTROIInterpretedType": frozenset({"EXTERNAL", "ORGAN", "GTV", "CTV", "PTV", "AVOIDANCE", "SUPPORT", "CONTROL"}),
    "ROIGenerationAlgorithm": frozenset({"AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"}),
}
CODE_SCHEMES: Final = frozenset({"SCT", "SRT", "DCM", "FMA"})
CODE_VALUE: Final = re.compile(r"[0-9]{1,16}|[A-Z]-[0-9A-F]{5}")
# Names of structures that may stay, compared without case, spaces, hyphens and underscores; any other becomes a number.
_STRUCTURES: Final = (
    "A_Aorta Adrenal_L Adrenal_R Appendix Bladder Bone Bowel Bowel_Large Bowel_Small Brain Brainstem Breast_L "
    "Breast_R Bronchus Carina Cerebellum Chiasm Cochlea_L Cochlea_R Colon CTV Duodenum Esophagus Eye_L Eye_R "
    "Femur_Head_L Femur_Head_R Gallbladder GTV Heart Hippocampus_L Hippocampus_R Kidney_L Kidney_R Larynx "
    "Lens_L Lens_R Liver Lung_L Lung_R Lungs Mandible Muscle Nodule OpticNrv_L OpticNrv_R Pancreas Parotid_L "
    "Parotid_R Pituitary PortalVein Prostate PTV Rectum SeminalVes Sigmoid Skin SpinalCord Spleen Stomach "
    "Thyroid Tongue Trachea Tumor Tumour Lesion Uterus Vertebrae A_Carotid_L A_Carotid_R V_CavaInferior "
    "V_CavaSuperior"
)
STRUCTURES: Final = {re.sub(r"[\s_-]", "", name).lower(): name for name in _STRUCTURES.split()}


def structure_name(text: str) -> str | None:
    return STRUCTURES.get(re.sub(r"[\s_-]", "", text).lower())

"""Enhanced (multi-frame) CT, MR and PET taken apart into single frames, so that one set of checks serves all.

Source: DICOM PS3.3 C.7.6.16 (multi-frame functional groups) and C.8.13, C.8.15 (enhanced MR and CT).
"""

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset

from flip_trust.imaging.errors import Exclusion, ImagingExcluded
from flip_trust.imaging.kinds import SINGLE_OF

# functional group: attribute there -> attribute of a single-frame image
_GROUPS: Final[dict[str, dict[str, str]]] = {
    "PlanePositionSequence": {"ImagePositionPatient": "ImagePositionPatient"},
    "PlaneOrientationSequence": {"ImageOrientationPatient": "ImageOrientationPatient"},
    "PixelMeasuresSequence": {
        "PixelSpacing": "PixelSpacing",
        "SliceThickness": "SliceThickness",
        "SpacingBetweenSlices": "SpacingBetweenSlices",
    },
    "PixelValueTransformationSequence": {
        "RescaleIntercept": "RescaleIntercept",
        "RescaleSlope": "RescaleSlope",
        "RescaleType": "RescaleType",
    },
    "FrameVOILUTSequence": {"WindowCenter": "WindowCenter", "WindowWidth": "WindowWidth"},
    "FrameContentSequence": {
        "TemporalPositionIndex": "TemporalPositionIdentifier",
        "FrameAcquisitionNumber": "AcquisitionNumber",
    },
    "MREchoSequence": {"EffectiveEchoTime": "EchoTime"},
    "MRTimingAndRelatedParametersSequence": {"RepetitionTime": "RepetitionTime", "FlipAngle": "FlipAngle"},
    "MRDiffusionSequence": {"DiffusionBValue": "DiffusionBValue"},
    "CTXRayDetailsSequence": {"KVP": "KVP"},
    "MRImageFrameTypeSequence": {"FrameType": "ImageType"},
    "CTImageFrameTypeSequence": {"FrameType": "ImageType"},
    "PETFrameTypeSequence": {"FrameType": "ImageType"},
}
_ROOT: Final = (
    "StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID PatientID Modality SeriesNumber Rows Columns "
    "SamplesPerPixel PhotometricInterpretation BitsAllocated BitsStored HighBit PixelRepresentation "
    "LossyImageCompression MagneticFieldStrength StudyDate SeriesDate AcquisitionDate ContentDate ImageType"
)
MAX_FRAMES: Final = 20_000


def single_frames(ds: Dataset) -> Iterator[Dataset]:
    """One dataset without pixels for each frame, in stored order. Raises ImagingExcluded where groups are missing."""
    count = int(ds.get("NumberOfFrames", 1) or 1)
    shared = _first(ds.get("SharedFunctionalGroupsSequence"))
    own = ds.get("PerFrameFunctionalGroupsSequence")
    if not 1 <= count <= MAX_FRAMES or own is None or len(own) != count:
        raise ImagingExcluded(Exclusion.DICOM_INVALID)
    root = Dataset()
    for name in _ROOT.split():
        if name in ds:
            root[name] = ds[name]
    root.SOPClassUID = SINGLE_OF[ds.SOPClassUID]
    for number, groups in enumerate(own, start=1):
        frame = Dataset(root)
        frame.SOPInstanceUID = f"{ds.SOPInstanceUID}#{number}"  # hashed before it is written
        for group, names in _GROUPS.items():
            item = _first(groups.get(group)) or _first(shared.get(group) if shared is not None else None)
            for there, here in names.items():
                if item is not None and there in item:
                    setattr(frame, here, item[there].value)
        yield frame


def first_frame(ds: Dataset) -> Dataset:
    """What an image, of one or many frames, says of its plane."""
    return next(single_frames(ds)) if ds.get("SOPClassUID") in SINGLE_OF else ds


def _first(sequence: object) -> Dataset | None:
    return sequence[0] if sequence else None  # type: ignore[index]

"""DICOM as real archives hold it beside plain CT: multi-frame, several echoes, radiographs, structure sets.

Each takes the slices of `dicom.ct_series` and gives back datasets of the same study, ready to be saved.
"""

import copy
import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    MRImageStorage,
    RTStructureSetStorage,
)

from flip_trust.synthetic.dicom import CANARY

_IN_GROUPS: Final = (
    "ImagePositionPatient ImageOrientationPatient PixelSpacing SliceThickness RescaleIntercept RescaleSlope "
    "RescaleType InstanceNumber"
)
_OF_A_PATIENT: Final = "ImagePositionPatient ImageOrientationPatient PixelSpacing SliceThickness KVP RescaleType"


def again(slices: Sequence[FileDataset], what: str, **values: Any) -> list[FileDataset]:
    """A copy of the series under new UIDs of its own, with some values changed."""
    made = []
    for number, old in enumerate(slices):
        ds = copy.deepcopy(old)
        ds.SeriesInstanceUID = _uid(old.SeriesInstanceUID, what)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = _uid(old.SOPInstanceUID, f"{what}/{number}")
        for name, value in values.items():
            setattr(ds, name, value)
        made.append(ds)
    return made


def mr_series(slices: Sequence[FileDataset], echoes: Sequence[float] = (4.6,)) -> list[FileDataset]:
    """One MR series with one volume for each echo time, in ms; the n-th echo's pixels are shifted by n."""
    made: list[FileDataset] = []
    for echo, time in enumerate(echoes, start=1):
        volume = again(slices, f"mr-{echo}", Modality="MR", SeriesNumber=3, EchoTime=time, EchoNumbers=echo)
        for ds in volume:
            ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
            ds.SeriesInstanceUID = _uid(slices[0].SeriesInstanceUID, "mr")
            ds.ImageType, ds.RepetitionTime, ds.MagneticFieldStrength = ["ORIGINAL", "PRIMARY", "M"], 500, 1.5
            ds.ScanningSequence, ds.SequenceVariant, ds.InstanceNumber = "GR", "SP", len(made) + 1
            del ds.KVP, ds.RescaleType
            ds.PixelData = (np.frombuffer(ds.PixelData, "<i2") + echo).astype("<i2").tobytes()
            made.append(ds)
    return made


def enhanced(slices: Sequence[FileDataset], modality: str = "CT") -> FileDataset:
    """The whole series as one enhanced multi-frame object."""
    first = slices[0]
    ds = copy.deepcopy(first)
    ds.SOPClassUID = EnhancedCTImageStorage if modality == "CT" else EnhancedMRImageStorage
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = _uid(first.SOPInstanceUID, "enhanced")
    ds.SeriesInstanceUID, ds.Modality, ds.SeriesNumber = _uid(first.SeriesInstanceUID, "enhanced"), modality, 5
    ds.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    ds.NumberOfFrames, ds.PixelData = len(slices), b"".join(one.PixelData for one in slices)
    shared = Dataset()
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=first.ImageOrientationPatient)
    shared.PixelMeasuresSequence = _item(PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness)
    shared.PixelValueTransformationSequence = _item(RescaleIntercept=0, RescaleSlope=1, RescaleType="HU")
    ds.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    for number, one in enumerate(slices, start=1):
        frame = Dataset()
        frame.PlanePositionSequence = _item(ImagePositionPatient=one.ImagePositionPatient)
        frame.FrameContentSequence = _item(
            StackID=f"{CANARY} stack", InStackPositionNumber=number, FrameLabel=f"{CANARY} frame", FrameComments=CANARY
        )
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    for name in _IN_GROUPS.split():
        delattr(ds, name)
    return ds


def radiograph(like: FileDataset, pixels: NDArray[np.uint16]) -> FileDataset:
    """A digital chest film, say: one plane, in no patient space."""
    (ds,) = again([like], "dx", Modality="DX", SeriesNumber=7)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    for name in _OF_A_PATIENT.split():
        delattr(ds, name)
    ds.Rows, ds.Columns = pixels.shape
    ds.ImageType, ds.ImagerPixelSpacing = ["ORIGINAL", "PRIMARY"], [0.2, 0.1]
    ds.PixelRepresentation, ds.PixelData = 0, pixels.astype("<u2").tobytes()
    return ds


def structure_set(
    slices: Sequence[FileDataset], contours: dict[str, list[NDArray[np.float64]]], kinds: dict[str, str] | None = None
) -> FileDataset:
    """`contours`: structure name -> closed polygons, each (points, 3) in patient millimetres (LPS)."""
    first = slices[0]
    (ds,) = again(slices[:1], "rtstruct", Modality="RTSTRUCT", SeriesNumber=9)
    for name in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "ImageType", "KVP"):
        delattr(ds, name)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    ds.StructureSetLabel, ds.StructureSetDate, ds.StructureSetName = CANARY, "20240301", f"{CANARY} plan"
    series = Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    study = Dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", first.StudyInstanceUID
    study.RTReferencedSeriesSequence = Items([series])
    ds.ReferencedFrameOfReferenceSequence = _item(
        FrameOfReferenceUID=first.FrameOfReferenceUID, RTReferencedStudySequence=Items([study])
    )
    rois, drawn, seen = [], [], []
    for number, (name, polygons) in enumerate(contours.items(), start=1):
        rois.extend(_item(ROINumber=number, ROIName=name, ROIDescription=CANARY, ROIGenerationAlgorithm="MANUAL"))
        own = []
        for polygon in polygons:
            own.extend(
                _item(
                    ContourGeometricType="CLOSED_PLANAR",
                    NumberOfContourPoints=len(polygon),
                    ContourData=[f"{value:.4f}" for value in polygon.ravel()],
                )
            )
        drawn.extend(_item(ReferencedROINumber=number, ContourSequence=Items(own)))
        kind = (kinds or {}).get(name, "ORGAN")
        seen.extend(
            _item(
                ObservationNumber=number, ReferencedROINumber=number, RTROIInterpretedType=kind, ROIInterpreter=CANARY
            )
        )
    ds.StructureSetROISequence, ds.ROIContourSequence = Items(rois), Items(drawn)
    ds.RTROIObservationsSequence = Items(seen)
    return ds


def _item(**values: Any) -> Items:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return Items([item])


def _uid(original: str, what: str) -> UID:
    digest = hashlib.sha256(f"{original}/{what}".encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")

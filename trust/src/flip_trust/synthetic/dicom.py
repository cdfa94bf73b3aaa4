"""Writes phantom studies as a hospital would hold them: a CT series and a DICOM SEG of the spleen.

Headers carry made-up identities with the word CANARY, so that a test can prove none of them gets out.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import highdicom as hd
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from flip_trust.synthetic.phantom import Phantom, make_phantom, seed_of

CANARY = "CANARY"


def write_dicom(folder: Path, seed: int, style: str, accessions: list[tuple[str, str, date]]) -> None:
    """One study per (accession number, person, study date). The same arguments give the same bytes."""
    for accession_id, person_id, study_date in accessions:
        phantom = make_phantom(seed_of(seed, accession_id), style)
        study = folder / _uid(seed, accession_id, "folder").rsplit(".", 1)[1][:12]
        study.mkdir(parents=True, exist_ok=True)
        slices = ct_series(phantom, seed, accession_id, person_id, study_date)
        for number, instance in enumerate(slices, start=1):
            instance.save_as(study / f"IM{number:04d}", enforce_file_format=True)
        if phantom.spleen.any():
            segmentation = spleen_seg(phantom, slices, seed, accession_id)
            segmentation.save_as(study / "SG0001", enforce_file_format=True)


def ct_series(phantom: Phantom, seed: int, accession_id: str, person_id: str, study_date: date) -> list[FileDataset]:
    rows, columns = phantom.hu.shape[1:]
    step, row_mm, column_mm = phantom.spacing
    series = []
    for index, plane in enumerate(phantom.hu):
        ds = _header(seed, accession_id, person_id, study_date, index)
        ds.ImagePositionPatient = [-columns * column_mm / 2, -rows * row_mm / 2, round(index * step, 4)]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing = [row_mm, column_mm]
        ds.SliceThickness = step
        ds.Rows, ds.Columns = rows, columns
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation = 15, 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "HU"
        ds.PixelData = plane.astype("<i2").tobytes()
        series.append(ds)
    return series


def spleen_seg(phantom: Phantom, slices: Sequence[Dataset], seed: int, accession_id: str) -> Dataset:
    description = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label=f"Spleen {CANARY}",
        segmented_property_category=codes.SCT.Organ,
        segmented_property_type=codes.SCT.Spleen,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )
    segmentation = hd.seg.Segmentation(
        source_images=slices,
        pixel_array=phantom.spleen,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[description],
        series_instance_uid=_uid(seed, accession_id, "seg-series"),
        series_number=2,
        sop_instance_uid=_uid(seed, accession_id, "seg"),
        instance_number=1,
        manufacturer=f"{CANARY} Imaging",
        manufacturer_model_name=f"{CANARY} model",
        software_versions="1",
        device_serial_number=f"{CANARY}-9",
        content_description=f"{CANARY} spleen",
        content_creator_name=f"{CANARY}^Radiologist",
        series_description=f"{CANARY} segmentation",
    )
    # highdicom stamps the clock and a random UID; both would change the bytes from one run to the next.
    for keyword in ("ContentDate", "InstanceCreationDate", "SeriesDate"):
        if keyword in segmentation:
            setattr(segmentation, keyword, slices[0].StudyDate)
    for keyword in ("ContentTime", "InstanceCreationTime", "SeriesTime"):
        if keyword in segmentation:
            setattr(segmentation, keyword, "101500")
    organization = _uid(seed, accession_id, "dimensions")
    for item in (*segmentation.DimensionOrganizationSequence, *segmentation.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    del segmentation.ContributingEquipmentSequence  # holds the time of writing
    return segmentation


def _header(seed: int, accession_id: str, person_id: str, study_date: date, index: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(seed, accession_id, f"ct-{index}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=CANARY.encode().ljust(128, b"\0"))
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID = _uid(seed, accession_id, "study")
    ds.SeriesInstanceUID = _uid(seed, accession_id, "ct-series")
    ds.FrameOfReferenceUID = _uid(seed, accession_id, "frame")
    ds.AccessionNumber = accession_id
    ds.PatientName, ds.PatientID = f"{CANARY}^{person_id}", f"{CANARY}-{person_id}"
    ds.PatientBirthDate, ds.PatientSex = "19600229", "O"
    ds.PatientAddress, ds.PatientComments = f"1 {CANARY} Street", f"{CANARY} comment"
    ds.InstitutionName, ds.InstitutionAddress = f"{CANARY} Hospital", f"{CANARY} Road"
    ds.ReferringPhysicianName, ds.StationName = f"{CANARY}^Doctor", f"{CANARY}CT1"
    ds.Manufacturer, ds.DeviceSerialNumber, ds.PositionReferenceIndicator = f"{CANARY} Imaging", f"{CANARY}-7", ""
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = ds.AcquisitionDate = study_date.strftime("%Y%m%d")
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = ds.AcquisitionTime = "101500"
    ds.StudyID, ds.StudyDescription = f"{CANARY}ID", f"{CANARY} abdomen"
    ds.SeriesDescription, ds.ProtocolName, ds.ImageComments = (f"{CANARY} {word}" for word in ("axial", "p", "note"))
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 1, index + 1
    ds.ImageType, ds.KVP = ["ORIGINAL", "PRIMARY", "AXIAL"], 120
    ds.private_block(0x0011, f"{CANARY} PRIVATE", create=True).add_new(0x01, "LO", f"{CANARY} private value")
    return ds


def _uid(seed: int, accession_id: str, what: str) -> UID:
    digest = hashlib.sha256(f"{seed}/{accession_id}/{what}".encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


__all__ = ["CANARY", "ct_series", "spleen_seg", "write_dicom"]

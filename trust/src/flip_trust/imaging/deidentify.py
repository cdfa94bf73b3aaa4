"""De-identifies DICOM by building a new file from an allow-list. Nothing of the old file is edited in place."""

import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from flip_trust.imaging import allowlist as allow
from flip_trust.imaging.errors import Exclusion, ImagingExcluded

_NOT_STATED = "not stated"
_FALLBACK_CODE = ("85756007", "SCT")  # body tissue: says nothing


@dataclass(frozen=True)
class Instance:
    """One de-identified file and what the next steps need to know of it."""

    path: Path
    dataset: Dataset  # without pixels

    @property
    def is_seg(self) -> bool:
        return self.dataset.SOPClassUID == allow.SEG_CLASS

    @property
    def series(self) -> str:
        return str(self.dataset.SeriesInstanceUID)


class Deidentifier:
    """Keyed per project: stable over re-pulls, and two projects cannot be joined by their UIDs."""

    def __init__(self, project_key: bytes):
        self._key = project_key

    def uid(self, original: str) -> str:
        digest = hmac.new(self._key, b"uid:" + original.encode(), hashlib.sha256).digest()
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"

    def study(self, raw: Path, accession_id: str, into: Path) -> list[Instance]:
        """De-identify the images and segmentations of one pulled study; other objects are left behind."""
        kept: list[Instance] = []
        studies: set[str] = set()
        for file in sorted(raw.iterdir()):
            ds = _read(file)
            if str(ds.get("AccessionNumber", "")).strip() != accession_id:
                raise ImagingExcluded(Exclusion.DICOM_INVALID)  # the archive handed out another study's file
            studies.add(str(ds.get("StudyInstanceUID", "")))
            if not _wanted(ds):
                continue
            kept.append(self._write(ds, into / f"{len(kept) + 1:06d}.dcm"))
        if len(studies) > 1:
            raise ImagingExcluded(Exclusion.ACCESSION_AMBIGUOUS)
        if not any(not instance.is_seg for instance in kept):
            raise ImagingExcluded(Exclusion.NO_IMAGES)
        return kept

    def _write(self, ds: Dataset, path: Path) -> Instance:
        try:
            pixels = _exact_pixels(ds)
            new = self._seg(ds) if ds.SOPClassUID == allow.SEG_CLASS else self._image(ds)
            meta = FileMetaDataset()
            meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = new.SOPClassUID, new.SOPInstanceUID
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            full = Dataset(new)
            full.file_meta, full.preamble = meta, b"\0" * 128
            full.add_new("PixelData", "OB" if ds.BitsAllocated <= 8 else "OW", pixels)
            full.save_as(path, enforce_file_format=True)
        except ImagingExcluded:
            raise
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError):
            raise ImagingExcluded(Exclusion.DICOM_INVALID) from None  # the cause may quote a patient's value
        return Instance(path, new)

    def _image(self, ds: Dataset) -> Dataset:
        new = self._filter(ds, allow.IMAGE_NUMBERS, frozenset())
        new.PatientName = new.PatientID = ""
        _mark(new)
        return new

    def _seg(self, ds: Dataset) -> Dataset:
        new = self._filter(ds, allow.SEG_NUMBERS, allow.SEG_SEQUENCES)
        new.PatientName = new.PatientID = new.ContentDescription = new.ContentCreatorName = ""
        new.Manufacturer = new.ManufacturerModelName = new.SoftwareVersions = new.DeviceSerialNumber = _NOT_STATED
        new.ContentLabel, new.LossyImageCompression = "SEGMENTATION", "00"
        for segment in new.get("SegmentSequence", ()):
            segment.SegmentLabel = f"segment {segment.SegmentNumber}"
            if segment.get("SegmentAlgorithmType") != "MANUAL":
                segment.SegmentAlgorithmName = _NOT_STATED
        _mark(new)
        return new

    def _filter(self, ds: Dataset, numbers: frozenset[str], sequences: frozenset[str]) -> Dataset:
        new = Dataset()
        for element in ds:
            name, value = element.keyword, element.value
            if element.tag.is_private or not name:
                continue
            if name in allow.MAPPED_UIDS:
                setattr(new, name, self.uid(str(value).strip()))
            elif name in allow.CLASS_UIDS:
                if value in allow.KNOWN_CLASSES:
                    setattr(new, name, str(value))
            elif name in numbers:
                if (number := _numbers(value)) is not None:
                    new.add_new(element.tag, element.VR, number)
            elif name in allow.WORDS:
                words = [word for word in _many(value) if word in allow.WORDS[name]]
                if words:
                    setattr(new, name, words if name == "ImageType" else words[0])
            elif sequences and name in allow.SEG_POINTERS:
                new.add_new(element.tag, "AT", int(value))
            elif name in sequences:
                clean = _code if name.endswith("CodeSequence") else lambda item: self._filter(item, numbers, sequences)
                setattr(new, name, Sequence([clean(item) for item in value]))
        return new


def _read(file: Path) -> Dataset:
    try:
        return pydicom.dcmread(file)
    except Exception:  # noqa: BLE001 - damaged DICOM raises nearly anything, and its text may quote the file
        raise ImagingExcluded(Exclusion.DICOM_INVALID) from None


def _wanted(ds: Dataset) -> bool:
    kind = ds.get("SOPClassUID")
    if kind == allow.SEG_CLASS:
        return True
    if kind not in allow.IMAGE_CLASSES:
        return False  # reports, screen shots, dose sheets: text all over
    if str(ds.get("BurnedInAnnotation", "NO")).strip().upper() == "YES":
        raise ImagingExcluded(Exclusion.BURNED_IN_TEXT)
    return not {"LOCALIZER", "SECONDARY"} & set(_many(ds.get("ImageType", [])))


def _exact_pixels(ds: Dataset) -> bytes:
    """The pixels and not a byte more: padding after them can hold anything."""
    if ds.file_meta.TransferSyntaxUID not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        try:
            ds.decompress(generate_instance_uid=False)
        except Exception:  # noqa: BLE001 - each codec plug-in has its own errors
            raise ImagingExcluded(Exclusion.DICOM_UNSUPPORTED) from None
    bits = ds.Rows * ds.Columns * ds.SamplesPerPixel * ds.BitsAllocated * int(ds.get("NumberOfFrames", 1) or 1)
    size = (bits + 7) // 8
    if len(ds.PixelData) < size:
        raise ImagingExcluded(Exclusion.DICOM_INVALID)
    pixels = bytes(ds.PixelData[:size])
    if ds.BitsStored < ds.BitsAllocated:
        pixels = _without_spare_bits(pixels, ds)
    return pixels + b"\0" * (size % 2)


def _without_spare_bits(pixels: bytes, ds: Dataset) -> bytes:
    """Old scanners draw overlays, names among them, into the bits above the stored ones."""
    if ds.BitsAllocated != 16 or ds.HighBit != ds.BitsStored - 1:
        raise ImagingExcluded(Exclusion.DICOM_UNSUPPORTED)
    spare = 16 - ds.BitsStored
    words = np.frombuffer(pixels, "<i2" if ds.PixelRepresentation else "<u2")
    return ((words << spare) >> spare).astype(words.dtype).tobytes()


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) else [value]


def _numbers(value: Any) -> Any:
    """The value when it is numbers through and through, else None."""
    if value is None or value == "":
        return None
    numbers = _many(value)
    if not numbers or not all(isinstance(n, int | float) or _is_decimal(n) for n in numbers):
        return None
    return value if all(math.isfinite(float(n)) for n in numbers) else None


def _is_decimal(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _code(item: Dataset) -> Dataset:
    value, scheme = str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))
    if scheme not in allow.CODE_SCHEMES or not allow.CODE_VALUE.fullmatch(value):
        value, scheme = _FALLBACK_CODE
    new = Dataset()
    new.CodeValue, new.CodingSchemeDesignator, new.CodeMeaning = value, scheme, _NOT_STATED
    return new


def _mark(ds: Dataset) -> None:
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "Allow-list, keyed UIDs"

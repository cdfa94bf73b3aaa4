"""De-identifies DICOM by building a new file from an allow-list. Nothing of the old file is edited in place.

Follows the Basic Application Level Confidentiality Profile of DICOM PS3.15 Annex E and goes beyond it: an attribute
that `allowlist.py` does not name is dropped, whatever the profile's table says of it.
"""

import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pydicom
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from flip_trust.imaging import allowlist as allow
from flip_trust.imaging.errors import Exclusion, ImagingExcluded
from flip_trust.imaging.frames import single_frames
from flip_trust.imaging.kinds import SINGLE_OF
from flip_trust.imaging.plan import Dates

_NOT_STATED = "not stated"
_FALLBACK_CODE = ("85756007", "SCT")  # body tissue: says nothing
_SHIFT_DAYS = (30, 395)  # into the past, so that no date lies in the future

METHOD: Final = "FLIP allow-list 2, keyed UIDs"
PROFILE: Final = ("113100", "Basic Application Confidentiality Profile")  # DICOM PS3.16 CID 7050
SHIFTED_DATES: Final = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")


def profile(dates: Dates) -> list[tuple[str, str]]:
    """Codes of DICOM PS3.16 CID 7050: what (0012,0064) says of each file."""
    return [PROFILE, SHIFTED_DATES] if dates == Dates.SHIFT else [PROFILE]


@dataclass(frozen=True)
class Instance:
    """One de-identified file and what the next steps need to know of it."""

    path: Path
    dataset: Dataset  # without pixels
    low: float = 0.0  # of its pixels, rescaled
    high: float = 0.0

    @property
    def series(self) -> str:
        return str(self.dataset.SeriesInstanceUID)

    def pixels(self) -> np.ndarray[Any, Any]:
        """Stored values, (rows, columns): the file is uncompressed and ends with them."""
        ds = self.dataset
        kind = np.dtype(f"{'<i' if ds.PixelRepresentation else '<u'}{ds.BitsAllocated // 8}")
        count = ds.Rows * ds.Columns
        with self.path.open("rb") as file:
            padded = count * kind.itemsize + (count * kind.itemsize) % 2
            file.seek(-padded, 2)
            return np.frombuffer(file.read(count * kind.itemsize), kind).reshape(ds.Rows, ds.Columns)

    def rescaled(self, stored: Any) -> Any:
        return stored * float(self.dataset.get("RescaleSlope", 1) or 1) + float(
            self.dataset.get("RescaleIntercept", 0) or 0
        )


class Deidentifier:
    """Keyed per project: stable over re-pulls, and two projects cannot be joined by their UIDs or pseudonyms."""

    def __init__(self, project_key: bytes, dates: Dates = Dates.DROP):
        self._key, self._dates = project_key, dates

    def uid(self, original: str) -> str:
        return f"2.25.{int.from_bytes(self._digest('uid', original)[:16], 'big')}"

    def pseudonym(self, patient_id: str) -> str:
        """The same for every study of a person in this project; empty where the archive names nobody."""
        return f"P{self._digest('person', patient_id).hex()[:16]}" if patient_id else ""

    def shift(self, patient_id: str) -> timedelta:
        first, last = _SHIFT_DAYS
        number = int.from_bytes(self._digest("days", patient_id)[:8], "big")
        return timedelta(days=-(first + number % (last - first)))

    def images(self, ds: Dataset, folder: Path, first: int) -> list[Instance]:
        """Write an image as the files `first` and following of `folder`: one, or one for each frame."""
        if ds.SOPClassUID not in SINGLE_OF:
            return [self._write(ds, self._image(ds), _exact_pixels(ds), _named(folder, first))]
        pixels, made = _exact_pixels(ds), []
        for number, frame in enumerate(single_frames(ds)):
            size = frame.Rows * frame.Columns * frame.BitsAllocated // 8
            own = pixels[number * size : (number + 1) * size]
            frame.InstanceNumber = first + number
            made.append(
                self._write(frame, self._image(frame), own + b"\0" * (size % 2), _named(folder, first + number))
            )
        return made

    def segmentation(self, ds: Dataset, path: Path) -> Instance:
        return self._write(ds, self._seg(ds), _exact_pixels(ds), path)

    def structure_set(self, ds: Dataset, path: Path) -> Instance:
        return self._write(ds, self._structures(ds), None, path)

    def _digest(self, what: str, original: str) -> bytes:
        return hmac.new(self._key, f"{what}:{original}".encode(), hashlib.sha256).digest()

    def _write(self, ds: Dataset, new: Dataset, pixels: bytes | None, path: Path) -> Instance:
        patient = str(ds.get("PatientID", "") or "").strip()
        new.PatientName = new.PatientID = self.pseudonym(patient)
        self._mark(new, ds, patient)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = new.SOPClassUID, new.SOPInstanceUID
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        full = Dataset(new)
        full.file_meta, full.preamble = meta, b"\0" * 128
        if pixels is not None:
            full.add_new("PixelData", "OB" if new.BitsAllocated <= 8 else "OW", pixels)
        full.save_as(path, enforce_file_format=True)
        if pixels is None or new.BitsAllocated == 1:
            return Instance(path, new)
        return _with_range(Instance(path, new), pixels)

    def _image(self, ds: Dataset) -> Dataset:
        new = self._filter(ds, allow.IMAGE_NUMBERS, frozenset())
        if ds.get("SamplesPerPixel", 1) != 1 or "PhotometricInterpretation" not in new:
            raise ImagingExcluded(Exclusion.DICOM_UNSUPPORTED)  # colour: a screen, not a measurement
        return new

    def _seg(self, ds: Dataset) -> Dataset:
        new = self._filter(ds, allow.SEG_NUMBERS, allow.SEG_SEQUENCES)
        new.ContentDescription = new.ContentCreatorName = ""
        new.Manufacturer = new.ManufacturerModelName = new.SoftwareVersions = new.DeviceSerialNumber = _NOT_STATED
        new.ContentLabel, new.LossyImageCompression = "SEGMENTATION", "00"
        names = {s.get("SegmentNumber"): str(s.get("SegmentLabel", "")) for s in ds.get("SegmentSequence", ())}
        for segment in new.get("SegmentSequence", ()):
            number = segment.SegmentNumber
            segment.SegmentLabel = allow.structure_name(names.get(number, "")) or f"segment {number}"
            if segment.get("SegmentAlgorithmType") != "MANUAL":
                segment.SegmentAlgorithmName = _NOT_STATED
        return new

    def _structures(self, ds: Dataset) -> Dataset:
        new = self._filter(ds, allow.RT_NUMBERS, allow.RT_SEQUENCES)
        new.StructureSetLabel, new.Manufacturer = "RTSTRUCT", _NOT_STATED
        names = {r.get("ROINumber"): str(r.get("ROIName", "")) for r in ds.get("StructureSetROISequence", ())}
        for roi in new.get("StructureSetROISequence", ()):
            roi.ROIName = allow.structure_name(names.get(roi.ROINumber, "")) or f"ROI {roi.ROINumber}"
        return new

    def _filter(self, ds: Dataset, numbers: frozenset[str], sequences: frozenset[str]) -> Dataset:
        new = Dataset()
        for tag in ds.keys():  # noqa: SIM118 - iterating the dataset itself would parse every value, pixels too
            if tag.is_private:
                continue
            name = keyword_for_tag(tag)
            if not name or name == "PixelData":
                continue
            if name in allow.MAPPED_UIDS:
                setattr(new, name, self.uid(str(ds[tag].value).strip()))
            elif name in allow.CLASS_UIDS:
                if ds[tag].value in allow.KNOWN_CLASSES:
                    setattr(new, name, str(ds[tag].value))
            elif name in numbers:
                element = ds[tag]
                if (number := _numbers(element.value)) is not None:
                    new.add_new(tag, element.VR, number)
            elif name in allow.WORDS:
                words = [word for word in _many(ds[tag].value) if word in allow.WORDS[name]]
                if words:
                    setattr(new, name, words if name == "ImageType" else words[0])
            elif sequences and name in allow.SEG_POINTERS:
                new.add_new(tag, "AT", int(ds[tag].value))
            elif name in sequences:
                clean = _code if name.endswith("CodeSequence") else lambda item: self._filter(item, numbers, sequences)
                setattr(new, name, Sequence([clean(item) for item in ds[tag].value]))
        return new

    def _mark(self, new: Dataset, ds: Dataset, patient: str) -> None:
        new.PatientIdentityRemoved = "YES"
        new.DeidentificationMethod = METHOD
        codes = []
        for value, meaning in profile(self._dates):
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
            codes.append(code)
        new.DeidentificationMethodCodeSequence = Sequence(codes)
        shifted = self._dates == Dates.SHIFT and bool(patient)  # of nobody, a shift could not be stable
        new.LongitudinalTemporalInformationModified = "MODIFIED" if shifted else "REMOVED"
        if shifted:
            for name in allow.DATES:
                with suppress(ValueError):
                    original = datetime.strptime(str(ds.get(name, "")).strip(), "%Y%m%d")
                    setattr(new, name, (original + self.shift(patient)).strftime("%Y%m%d"))


def read(file: Path) -> Dataset:
    """Large values stay on disk until they are asked for: a study of any size fits in memory."""
    try:
        return pydicom.dcmread(file, defer_size=4096)
    except Exception:  # noqa: BLE001 - damaged DICOM raises nearly anything, and its text may quote the file
        raise ImagingExcluded(Exclusion.DICOM_INVALID) from None


def _named(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.dcm"


def _with_range(instance: Instance, pixels: bytes) -> Instance:
    ds = instance.dataset
    kind = np.dtype(f"{'<i' if ds.PixelRepresentation else '<u'}{ds.BitsAllocated // 8}")
    values = np.frombuffer(pixels[: ds.Rows * ds.Columns * kind.itemsize], kind)
    ends = sorted(float(instance.rescaled(float(v))) for v in (values.min(), values.max()))
    return Instance(instance.path, ds, ends[0], ends[1])


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

"""De-identification and reading against what real archives hold."""

import re
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage

NIFTI = {"NIFTI"}


def change(file: Path, **values: object) -> Dataset:
    ds = dcmread(file)
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.save_as(file)
    return ds


def outcome_of_first(site) -> tuple[dict[str, int], dict[str, int], bool]:
    site.pipeline.prepare(site.project, [site.first])
    return site.outcome()


def deidentified(site) -> list[Dataset]:
    folder = site.pipeline.folder_of(site.project, site.first, {"DICOM"})
    return [dcmread(f) for f in sorted((folder / "dicom").glob("*.dcm"))]


def test_only_allowed_tags_are_left(site):
    image = deidentified(site)[0]
    assert len(image) < 42
    assert image.PatientName == image.PatientID
    assert re.fullmatch("P[0-9a-f]{16}", image.PatientID)
    assert image.PatientIdentityRemoved == "YES"
    assert "AccessionNumber" not in image
    assert "StudyDate" not in image
    assert not [e for e in image if e.tag.is_private]
    assert image.preamble == bytes(128)


def test_bytes_after_the_pixels_are_dropped(site):
    for file in site.files(site.first):
        ds = dcmread(file)
        change(file, PixelData=ds.PixelData + b"CANARY TRAILER  ")
    assert outcome_of_first(site)[0] == {"READY": 1}
    assert not [f for f in site.cache.rglob("*.dcm") if b"CANARY" in f.read_bytes()]


def test_drawings_in_spare_bits_are_dropped(site):
    expected = site.phantom(site.first).hu[0]
    file = site.files(site.first)[0]
    words = (expected.astype(np.int16).view(np.uint16) & 0x1FFF) | 0x2000
    change(file, BitsStored=13, HighBit=12, PixelData=words.astype("<u2").tobytes())
    assert np.array_equal(deidentified(site)[0].pixel_array, expected)


def test_free_text_in_a_number_or_a_word_is_dropped(site):
    for file in site.files(site.first):
        change(file, ImageType=["ORIGINAL", "PRIMARY", "AXIAL", "CANARY"], RescaleType="CANARY")
    image = deidentified(site)[0]
    assert list(image.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert "RescaleType" not in image


def test_names_in_codes_of_a_segmentation_are_dropped(site):
    [file] = site.files(site.first, "SG*")
    ds = dcmread(file)
    code = ds.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    code.CodeMeaning, code.CodeValue, code.CodingSchemeDesignator = "CANARY meaning", "CANARY", "99CANARY"
    ds.save_as(file)
    assert "CANARY" not in str(deidentified(site))


def test_run_length_encoded_images_are_read(site):
    for file in site.files(site.first):
        ds = dcmread(file)
        ds.compress(RLELossless, generate_instance_uid=False)
        ds.save_as(file)
    images = [ds for ds in deidentified(site) if ds.Modality == "CT"]
    assert np.array_equal(np.stack([ds.pixel_array for ds in images]), site.phantom(site.first).hu)


def test_screen_shots_and_localizers_are_left_behind(site):
    extra = site.files(site.second)[0]
    study = dcmread(site.files(site.first)[0])
    change(extra, AccessionNumber=site.first, StudyInstanceUID=study.StudyInstanceUID, PatientID=study.PatientID)
    change(extra, SOPClassUID=SecondaryCaptureImageStorage)
    first = site.files(site.first, "IM*")
    scout = next(f for f in first if f != extra)
    copy = dcmread(scout)
    copy.ImageType, copy.SeriesInstanceUID, copy.SOPInstanceUID = (
        ["ORIGINAL", "PRIMARY", "LOCALIZER"],
        "2.25.1",
        "2.25.2",
    )
    copy.save_as(scout.with_name("IM9999"))
    assert outcome_of_first(site)[0] == {"READY": 1}
    assert len(deidentified(site)) == 33


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned_in_text"),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "secondary_capture"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.8, 0.6]}, "gantry_tilt"),
    ],
)
def test_what_cannot_be_trusted_is_excluded_with_its_reason(site, values, reason):
    for file in site.files(site.first):
        change(file, **values)
    assert outcome_of_first(site) == ({"EXCLUDED": 1}, {reason: 1}, True)


def test_segmentation_off_the_image_grid_is_excluded(site):
    [file] = site.files(site.first, "SG*")
    ds = dcmread(file)
    for frame in ds.PerFrameFunctionalGroupsSequence:
        position = frame.PlanePositionSequence[0]
        x, y, z = position.ImagePositionPatient
        position.ImagePositionPatient = [float(x) + 1.5, float(y), float(z)]
    ds.save_as(file)
    assert outcome_of_first(site) == ({"EXCLUDED": 1}, {"segmentation_mismatch": 1}, True)

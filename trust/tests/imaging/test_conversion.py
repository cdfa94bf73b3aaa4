"""What archives hold beside plain CT: each is converted exactly, or left out under its own name."""

import json

import gdcm
import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from flip_contracts.imaging import SeriesRule
from flip_trust.imaging.errors import Exclusion
from flip_trust.imaging.plan import StudyPlan
from flip_trust.imaging.reasons import REASONS
from flip_trust.synthetic import variants


def as_slices(path):
    """Voxels as slice, row, column from feet to head: back from RAS to how the phantom was made."""
    volume = nib.as_closest_canonical(nib.load(path)).get_fdata()
    return volume.transpose(2, 1, 0)[:, ::-1, ::-1]


def slices_of(site):
    return [dcmread(f) for f in site.files(site.first)]


def replace(site, datasets, *, keep=False):
    """Put these in the archive in place of the first study's images, or beside them."""
    files = site.files(site.first)
    for file in () if keep else (*files, *site.files(site.first, "SG*")):
        file.unlink()
    for number, ds in enumerate(datasets):
        ds.save_as(files[0].with_name(f"N{len(list(files[0].parent.iterdir()))}-{number}"), enforce_file_format=True)


def prepared(site, plan=None, types=frozenset({"NIFTI"})):
    pipeline = site.pipe(site.pipeline.driver, plan_of=lambda _: plan or StudyPlan())
    return pipeline.folder_of(site.project, site.first, set(types))


def record(folder):
    return json.loads((folder / "study.json").read_text())


def outcome(site):
    site.pipeline.prepare(site.project, [site.first])
    return site.outcome()


def excluded(reason):
    return {"EXCLUDED": 1}, {reason: 1}, True


def test_every_reason_is_explained():
    assert REASONS.keys() == set(Exclusion)


# --- irregular series ---
def test_a_missing_slice(site):
    site.files(site.first)[10].unlink()
    assert outcome(site) == excluded("slices_missing")


def test_two_missing_slices_in_a_row(site):
    for file in site.files(site.first)[10:12]:
        file.unlink()
    assert outcome(site) == excluded("slices_missing")


def test_uneven_spacing(site):
    made = slices_of(site)
    for number, ds in enumerate(made):
        x, y, _ = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x, y, round(number * 5 + 0.37 * number**1.5, 3)]
    replace(site, made)
    assert outcome(site) == excluded("spacing_uneven")


def test_a_tilted_gantry(site):
    made = slices_of(site)
    for ds in made:
        x, y, z = (float(v) for v in ds.ImagePositionPatient)
        ds.ImageOrientationPatient = [1, 0, 0, 0, 0.9659258, 0.2588190]
        ds.ImagePositionPatient = [x, y, z]
    replace(site, made)
    assert outcome(site) == excluded("gantry_tilt")


def test_a_slice_that_is_there_twice_counts_once(site):
    made = slices_of(site)
    (repeated,) = variants.again(made[5:6], "repeat", SeriesInstanceUID=made[5].SeriesInstanceUID)
    repeated.SeriesInstanceUID = made[5].SeriesInstanceUID
    replace(site, [*made, repeated], keep=False)
    assert np.array_equal(as_slices(prepared(site) / "input_1.nii.gz"), site.phantom(site.first).hu)


def test_two_different_slices_at_one_place(site):
    made = slices_of(site)
    (other,) = variants.again(made[5:6], "other", PixelData=made[6].PixelData)
    other.SeriesInstanceUID = made[5].SeriesInstanceUID
    replace(site, [*made, other])
    assert outcome(site) == excluded("slices_duplicated")


def test_two_files_of_one_instance_that_differ(site):
    made = slices_of(site)
    (other,) = variants.again(made[5:6], "other", PixelData=made[6].PixelData)
    other.SeriesInstanceUID, other.SOPInstanceUID = made[5].SeriesInstanceUID, made[5].SOPInstanceUID
    replace(site, [*made, other])
    assert outcome(site) == excluded("instances_differ")


def test_a_slice_of_another_size(site):
    made = slices_of(site)
    made[3].Rows = 48
    made[3].PixelData = made[3].PixelData[: 48 * 96 * 2]
    replace(site, made)
    assert outcome(site) == excluded("geometry_invalid")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localiser"),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "secondary_capture"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "secondary_capture"),
        ({"SOPClassUID": UltrasoundImageStorage}, "kind_refused"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, "kind_refused"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "kind_refused"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1"}, "kind_refused"),
        ({"BurnedInAnnotation": "YES"}, "burned_in_text"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "dicom_unsupported"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "dicom_unsupported"),
        ({"ImagePositionPatient": None}, "geometry_invalid"),
    ],
)
def test_what_is_refused_is_refused_by_name(site, changes, reason):
    made = slices_of(site)
    for ds in made:
        for name, value in changes.items():
            setattr(ds, name, value)
    replace(site, made)
    assert outcome(site) == excluded(reason)


def test_a_lone_slice(site):
    replace(site, slices_of(site)[:1])
    assert outcome(site) == excluded("too_few_slices")


def test_a_scout_and_a_report_beside_a_good_series_are_left_out_and_counted(site):
    made = slices_of(site)
    scouts = variants.again(made[:2], "scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesNumber=0)
    (report,) = variants.again(made[:1], "sr", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33")
    broken = variants.again(made[:9:2] + made[10:11], "gap", SeriesNumber=4)
    del broken[2]
    replace(site, [*scouts, report, *broken], keep=True)
    folder = prepared(site)
    assert sorted(f.name for f in folder.glob("*.nii.gz")) == ["input_1.nii.gz", "label_1.nii.gz"]
    told = record(folder)
    assert told["refused"] == {"localiser": 2, "report": 1}
    assert told["left_out"] == [{"series": 4, "modality": "CT", "reason": "slices_missing"}]
    assert told["images"][0]["label"] == {"1": "segment 1"}
    assert told["profile"][0]["code"] == "113100"


# --- encodings ---
def compressed_by_gdcm(file, syntax):
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(file))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(file))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


BY_GDCM = {
    JPEG2000Lossless: gdcm.TransferSyntax.JPEG2000Lossless,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
}


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1])
def test_compressed_images_are_read_exactly(site, syntax):
    for file in site.files(site.first):
        if syntax in BY_GDCM:
            compressed_by_gdcm(file, BY_GDCM[syntax])
        else:
            ds = dcmread(file)
            ds.compress(syntax, generate_instance_uid=False)
            ds.save_as(file)
        assert dcmread(file, stop_before_pixels=True).file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(as_slices(prepared(site) / "input_1.nii.gz"), site.phantom(site.first).hu)


def test_a_rescale_slope_is_kept(site):
    made = slices_of(site)
    for ds in made:
        ds.RescaleSlope, ds.RescaleIntercept = 0.5, -24
    replace(site, made)
    found = as_slices(prepared(site) / "input_1.nii.gz")
    assert np.allclose(found, site.phantom(site.first).hu * 0.5 - 24, atol=1e-3)


# --- magnetic resonance, multi-frame, radiographs ---
def test_an_mr_series_with_two_echoes_makes_two_inputs(site):
    replace(site, variants.mr_series(slices_of(site), echoes=(4.6, 9.2)))
    folder = prepared(site)
    assert sorted(f.name for f in folder.glob("input_*.nii.gz")) == ["input_1-1.nii.gz", "input_1-2.nii.gz"]
    for echo, time in ((1, 4.6), (2, 9.2)):
        assert np.array_equal(as_slices(folder / f"input_1-{echo}.nii.gz"), site.phantom(site.first).hu + echo)
        facts = json.loads((folder / f"input_1-{echo}.json").read_text())
        assert (facts["EchoTime"], facts["Modality"], facts["MagneticFieldStrength"]) == (time, "MR", 1.5)


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_an_enhanced_multi_frame_object_is_the_same_volume(site, modality):
    replace(site, [variants.enhanced(slices_of(site), modality)])
    folder = prepared(site, types={"NIFTI", "DICOM"})
    assert np.array_equal(as_slices(folder / "input_1.nii.gz"), site.phantom(site.first).hu)
    assert len(list((folder / "dicom").iterdir())) == 32
    assert not [f for f in folder.rglob("*.dcm") if b"CANARY" in f.read_bytes()]


def test_a_radiograph_keeps_its_pixels_and_their_size(site):
    pixels = np.random.default_rng(1).integers(0, 4096, (40, 60)).astype(np.uint16)
    replace(site, [variants.radiograph(slices_of(site)[0], pixels)])
    image = nib.load(prepared(site) / "input_1.nii.gz")
    assert image.header.get_zooms() == pytest.approx((0.1, 0.2, 1.0))
    assert np.array_equal(image.get_fdata().reshape(60, 40).T, pixels)


# --- which series ---
RULES = [
    ({}, ["axial", "coronal", "thick"]),
    ({"modalities": ["MR"]}, []),
    ({"description": ["ax*thin"]}, ["axial"]),
    ({"description": ["THICK", "coro"]}, ["coronal", "thick"]),
    ({"not_description": ["thi"]}, ["coronal"]),
    ({"planes": ["coronal"]}, ["coronal"]),
    ({"max_thickness_mm": 2}, ["axial"]),
    ({"min_thickness_mm": 4, "max_thickness_mm": 6}, ["coronal", "thick"]),
    ({"min_slices": 20}, ["axial"]),
    ({"pick": "thinnest"}, ["axial"]),
    ({"pick": "thickest", "planes": ["axial"]}, ["thick"]),
    ({"pick": "most_slices"}, ["axial"]),
    ({"description": ["[ax]*"]}, []),  # only * is special
]


@pytest.mark.parametrize(("rule", "expected"), RULES)
def test_a_series_rule_takes_what_it_says(site, rule, expected):
    made = slices_of(site)[:24]
    axial = variants.again(made, "a", SeriesDescription="Axial 1.25 thin", SliceThickness=1.25, SeriesNumber=1)
    coronal = variants.again(made[:12], "c", SeriesDescription="Coronal MPR", SliceThickness=5, SeriesNumber=2)
    for number, ds in enumerate(coronal):
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 0, -1], [0, number * 5.0, 0]
    thick = variants.again(made[:11], "t", SeriesDescription="axial THICK", SliceThickness=5, SeriesNumber=3)
    replace(site, [*axial, *coronal, *thick])
    plan = StudyPlan(rule=SeriesRule.model_validate(rule))
    if not expected:
        pipeline = site.pipe(site.pipeline.driver, plan_of=lambda _: plan)
        pipeline.prepare(site.project, [site.first])
        assert site.outcome() == excluded("not_selected")
        return
    counts = {24: "axial", 12: "coronal", 11: "thick"}
    told = record(prepared(site, plan))
    assert [counts[image["shape"][2]] for image in told["images"]] == expected
    assert "CANARY" not in json.dumps(told)


def test_a_trust_that_keeps_no_dicom_gives_none(site):
    from flip_trust.imaging.errors import ResourceMissing

    folder = prepared(site, StudyPlan(keep_dicom=False))
    assert not (folder / "dicom").exists()
    with pytest.raises(ResourceMissing, match="DICOM"):
        prepared(site, StudyPlan(keep_dicom=False), {"DICOM"})


def test_a_project_that_wants_no_nifti_gets_dicom_alone(site):
    folder = prepared(site, StudyPlan(nifti=False), {"DICOM"})
    assert {f.suffix for f in folder.rglob("*") if f.is_file()} == {".dcm", ".json"}

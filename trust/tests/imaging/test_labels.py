"""SEG and RTSTRUCT on the voxel grid of their image, against what was drawn."""

import json

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.sr.codedict import codes

from flip_trust.synthetic import variants

BOTH = {"NIFTI", "SEGMENTATION"}


def slices_of(site):
    return [dcmread(f) for f in site.files(site.first)]


def add(site, ds):
    """In place of the study's SEG."""
    (old,) = site.files(site.first, "SG*")
    old.unlink()
    ds.save_as(old.with_name("NEW"), enforce_file_format=True)


def pair(site):
    folder = site.pipeline.folder_of(site.project, site.first, BOTH)
    image = folder / "input_1.nii.gz"
    return (
        nib.load(image),
        nib.load(str(image).replace("/input_", "/label_")),
        json.loads((folder / "study.json").read_text()),
    )


def circle(slices, plane, centre, radius, points=720):
    """A closed polygon on one slice; centre and radius in mm from the middle of the picture."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    z = float(slices[plane].ImagePositionPatient[2])
    return np.stack(
        [centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle), np.full(points, z)], axis=1
    )


def distances(image, centre):
    """Of every voxel centre from an axis along the body, in mm (LPS)."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in image.shape), indexing="ij"), axis=-1)
    ras = index @ image.affine[:3, :3].T + image.affine[:3, 3]
    return np.hypot(-ras[..., 0] - centre[0], -ras[..., 1] - centre[1]), ras[..., 2]


def test_an_rtstruct_cylinder_with_a_hole_is_what_geometry_says(site):
    slices = slices_of(site)
    centre, outer, inner, planes = (-30.0, 12.0), 61.3, 24.7, range(6, 20)
    contours = [circle(slices, p, centre, r) for p in planes for r in (outer, inner)]
    add(site, variants.structure_set(slices, {"Spleen": contours}))
    image, label, told = pair(site)
    voxels = np.asarray(label.dataobj)
    away, height = distances(image, centre)
    low, high = (float(slices[p].ImagePositionPatient[2]) for p in (planes[0], planes[-1]))
    within = (height > low - 1) & (height < high + 1)
    expected = within & (away < outer) & (away > inner)
    wrong = (voxels == 1) != expected
    # A 720-sided polygon lies up to radius * (1 - cos(pi / 720)), 0.0006 mm, inside its circle.
    near = np.minimum(np.abs(away - outer), np.abs(away - inner)) < 0.001
    assert not (wrong & ~near).any()
    assert wrong.sum() <= 4
    assert expected.sum() > 5000
    assert np.array_equal(label.affine, image.affine)
    assert told["images"][0]["label"] == {"1": "Spleen"}
    assert told["images"][0]["flags"] == []


def test_structures_have_their_own_numbers_and_names_that_could_name_somebody_are_gone(site):
    slices = slices_of(site)
    drawn = {
        "kidney left": [circle(slices, 9, (40, 30), 20)],
        "Dr CANARY's ROI": [circle(slices, 9, (-40, 30), 20)],
        "BODY": [circle(slices, 9, (0, 0), 150)],
        "inside the first": [circle(slices, 9, (40, 30), 9)],
    }
    drawn["Kidney_L"] = drawn.pop("kidney left")
    add(site, variants.structure_set(slices, drawn, {"BODY": "EXTERNAL"}))
    _, label, told = pair(site)
    assert told["images"][0]["label"] == {"1": "ROI 1", "3": "ROI 3", "4": "Kidney_L"}
    assert told["images"][0]["flags"] == ["structures_overlap"]
    voxels = np.asarray(label.dataobj)
    assert sorted(np.unique(voxels)) == [0, 1, 3, 4]
    assert (voxels == 3).sum() < (voxels == 4).sum()


@pytest.mark.parametrize("wrong", ["between slices", "outside", "no points"])
def test_an_rtstruct_off_the_grid_excludes_the_study(site, wrong):
    slices = slices_of(site)
    contour = circle(slices, 9, (0, 0), 30)
    if wrong == "between slices":
        contour[:, 2] += 2.5
    elif wrong == "outside":
        contour[:, 0] += 500
    else:
        contour = contour[:2]
    add(site, variants.structure_set(slices, {"Spleen": [contour]}))
    site.pipeline.prepare(site.project, [site.first])
    assert site.outcome() == ({"EXCLUDED": 1}, {"segmentation_mismatch": 1}, True)


def test_a_seg_and_an_rtstruct_on_one_image_leave_nobody_to_say_which_is_meant(site):
    slices = slices_of(site)
    (old,) = site.files(site.first, "SG*")
    made = variants.structure_set(slices, {"Spleen": [circle(slices, 9, (0, 0), 30)]})
    made.save_as(old.with_name("NEW"), enforce_file_format=True)
    site.pipeline.prepare(site.project, [site.first])
    assert site.outcome() == ({"EXCLUDED": 1}, {"segmentation_mismatch": 1}, True)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_seg_of_two_structures_is_exact_voxel_by_voxel(site, kind):
    slices, phantom = slices_of(site), site.phantom(site.first)
    labels = phantom.spleen.copy()
    labels[(phantom.hu > 350) & (labels == 0)] = 2  # bone
    described = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Spleen,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in ((1, "spleen"), (2, "CANARY bone"))
    ]
    add(
        site,
        hd.seg.Segmentation(
            source_images=slices,
            pixel_array=labels,
            segmentation_type=kind,
            segment_descriptions=described,
            series_instance_uid="2.25.5",
            series_number=2,
            sop_instance_uid="2.25.6",
            instance_number=1,
            manufacturer="CANARY",
            manufacturer_model_name="CANARY",
            software_versions="1",
            device_serial_number="CANARY",
        ),
    )
    image, label, told = pair(site)
    volume = nib.as_closest_canonical(label)
    assert np.array_equal(np.asarray(volume.dataobj).transpose(2, 1, 0)[:, ::-1, ::-1], labels)
    assert np.array_equal(label.affine, image.affine)
    assert told["images"][0]["label"] == {"1": "Spleen", "2": "segment 2"}


@pytest.mark.parametrize(("accession", "taken"), [("", True), ("ACC-OTHER", False)])
def test_a_label_without_a_number_belongs_to_its_study_and_one_of_another_number_does_not(site, accession, taken):
    # As an archive hands out a study: by its UID, whatever each object's own number is.
    from flip_trust.imaging.errors import ImagingExcluded
    from flip_trust.imaging.study import prepare_study

    raw, out = site.home / "raw", site.home / "out"
    raw.mkdir()
    out.mkdir()
    for number, file in enumerate([*site.files(site.first), *site.files(site.first, "SG*")]):
        ds = dcmread(file)
        ds.AccessionNumber = accession if ds.Modality == "SEG" else ds.AccessionNumber
        ds.save_as(raw / str(number))
    if taken:
        prepare_study(raw, site.first, out, b"k" * 32)
        assert (out / "label_1.nii.gz").is_file()
    else:
        with pytest.raises(ImagingExcluded, match="dicom_invalid"):
            prepare_study(raw, site.first, out, b"k" * 32)

"""The imaging pipeline on real DICOM and the real converter."""

import gzip
import logging
from datetime import date
from typing import Any
from uuid import uuid4

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from flip_trust.imaging.errors import AccessionNotFound, ResourceMissing
from flip_trust.synthetic.dicom import write_dicom

ALL = {"DICOM", "NIFTI", "SEGMENTATION"}


def as_slices(path: Any) -> np.ndarray:
    """Voxels as slice, row, column from feet to head: back from RAS to how the phantom was made."""
    volume = np.asarray(nib.as_closest_canonical(nib.load(path)).dataobj)
    return volume.transpose(2, 1, 0)[:, ::-1, ::-1]


def test_image_voxels_are_the_phantoms_hounsfield_units(site):
    folder = site.pipeline.folder_of(site.project, site.first, {"NIFTI"})
    assert np.array_equal(as_slices(folder / "input_1.nii.gz"), site.phantom(site.first).hu)


def test_label_is_bit_exact_on_the_grid_of_its_image(site):
    folder = site.pipeline.folder_of(site.project, site.first, ALL)
    image_path = folder / "input_1.nii.gz"
    label_path = str(image_path).replace("/input_", "/label_")
    image, label = nib.load(image_path), nib.load(label_path)
    assert label.shape == image.shape
    assert np.array_equal(label.affine, image.affine)
    assert np.array_equal(as_slices(label_path), site.phantom(site.first).spleen)


def test_two_runs_give_the_same_bytes(site):
    def contents(cache):
        folder = site.pipe(site.pipeline.driver, cache).folder_of(site.project, site.first, ALL)
        return {f.relative_to(folder): f.read_bytes() for f in folder.rglob("*") if f.is_file()}

    assert contents(site.home / "one") == contents(site.home / "two")


def test_no_planted_identity_reaches_any_output_byte(site):
    site.pipeline.prepare(site.project, [site.first, site.second])
    originals = [dcmread(f, stop_before_pixels=True) for f in site.files(site.first)]
    uids = {str(v) for ds in originals for v in (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID)}
    needles = [b"CANARY", b"19600229", b"20240301", b"101500", *(uid.encode() for uid in uids)]
    outputs = [f for f in site.cache.rglob("*") if f.is_file()]
    assert len(outputs) > 60  # with the cache's own index
    for file in outputs:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        assert not [needle for needle in needles if needle in data]
        assert "CANARY" not in str(file.relative_to(site.cache))
    for file in site.home.glob("ledger.sqlite*"):
        assert b"CANARY" not in file.read_bytes()


def test_segmentation_still_refers_to_its_deidentified_images(site):
    folder = site.pipeline.folder_of(site.project, site.first, {"DICOM"})
    files = [dcmread(f, stop_before_pixels=True) for f in sorted((folder / "dicom").glob("*.dcm"))]
    seg = next(ds for ds in files if ds.Modality == "SEG")
    images = {ds.SOPInstanceUID for ds in files if ds.Modality == "CT"}
    assert {item.ReferencedSOPInstanceUID for item in seg.SourceImageSequence} == images
    assert len({ds.StudyInstanceUID for ds in files}) == 1


def test_two_projects_share_no_uid_and_no_folder_name(site):
    folders = [site.pipeline.folder_of(project, site.first, {"DICOM"}) for project in (site.project, uuid4())]
    uids = [{dcmread(f, stop_before_pixels=True).SOPInstanceUID for f in (d / "dicom").iterdir()} for d in folders]
    assert not uids[0] & uids[1]
    assert folders[0].name != folders[1].name


def test_missing_slice_excludes_the_accession_and_the_others_go_on(site):
    site.files(site.first)[10].unlink()
    site.pipeline.prepare(site.project, [site.first, site.second])
    assert site.outcome() == ({"EXCLUDED": 1, "READY": 1}, {"slices_missing": 1}, True)
    with pytest.raises(ResourceMissing, match="slices_missing") as caught:
        site.pipeline.folder_of(site.project, site.first, {"NIFTI"})
    assert site.first not in str(caught.value)


@pytest.mark.parametrize("accession", ["ACC-UNKNOWN", "", "*", "ACC-CANARY-?", "ACC*"])
def test_unknown_empty_and_wildcard_accessions_are_not_found(site, accession):
    with pytest.raises(AccessionNotFound) as caught:
        site.pipeline.folder_of(site.project, accession, {"NIFTI"})
    assert not accession or accession not in str(caught.value)
    assert site.outcome() == ({}, {}, False)


def test_accession_of_two_studies_is_never_guessed(site):
    write_dicom(site.archive / "other", 99, "alpha", [(site.first, "P9", date(2024, 1, 1))])
    with pytest.raises(AccessionNotFound, match="more than one"):
        site.pipeline.folder_of(site.project, site.first, {"NIFTI"})


def test_study_without_segmentation_says_which_resource_is_missing(site):
    for seg in site.files(site.first, "SG*"):
        seg.unlink()
    assert site.pipeline.folder_of(site.project, site.first, {"NIFTI"}).is_dir()
    with pytest.raises(ResourceMissing) as caught:
        site.pipeline.folder_of(site.project, site.first, ALL)
    assert caught.value.resource == "SEGMENTATION"


def test_not_found_is_tried_again_once_the_study_has_arrived(site):
    site.pipeline.prepare(site.project, ["ACC-LATE"])
    assert site.outcome() == ({"EXCLUDED": 1}, {"accession_not_found": 1}, True)
    write_dicom(site.archive / "late", 3, "beta", [("ACC-LATE", "P3", date(2024, 1, 1))])
    site.pipeline.prepare(site.project, ["ACC-LATE"])
    assert site.outcome() == ({"READY": 1}, {}, True)


def test_progress_is_told_after_each_accession_and_a_second_prepare_does_no_work(site, monkeypatch):
    seen = []
    site.pipeline.prepare(site.project, [site.first, site.second, site.first], lambda: seen.append(site.outcome()))
    assert seen[0] == ({"REQUESTED": 2}, {}, False)
    assert [stages.get("READY", 0) for stages, _, _ in seen[1:]] in ([1, 2], [2, 2])
    assert seen[-1] == ({"READY": 2}, {}, True)
    monkeypatch.setattr(site.pipeline, "_make", None)
    site.pipeline.prepare(site.project, [site.first, site.second])
    assert site.outcome() == ({"READY": 2}, {}, True)


def test_each_stage_is_recorded_with_time_and_count(site):
    site.pipeline.prepare(site.project, [site.first])
    steps = site.ledger.steps(site.project, site.pipeline.accession_key(site.project, site.first))
    assert [(s.stage.value, s.count) for s in steps] == [
        ("REQUESTED", None),
        ("FOUND", 33),
        ("PULLED", 33),
        ("DEIDENTIFIED", 33),
        ("CONVERTED", 1),
        ("CHECKED", 1),
        ("READY", 1),
    ]
    assert [s.at for s in steps] == sorted(s.at for s in steps)


@pytest.mark.parametrize("accession", ["", "*", "ACC-CANARY-?", "A\\B"])
def test_what_may_not_be_asked_is_excluded_and_never_asked(site, monkeypatch, accession):
    monkeypatch.setattr(site.pipeline.driver, "find", None)
    site.pipeline.prepare(site.project, [accession])
    assert site.outcome() == ({"EXCLUDED": 1}, {"accession_invalid": 1}, True)


def test_damaged_files_and_failing_archives_leave_no_trace_in_logs(site, caplog, capfd):
    class Broken:
        def find(self, accession_id):
            raise RuntimeError(f"CANARY {accession_id}")

        def close(self): ...

    broken = site.files(site.first)[0]
    broken.write_bytes(broken.read_bytes()[:-2000])
    with caplog.at_level(logging.DEBUG):
        site.pipeline.prepare(site.project, [site.first])
        site.pipe(Broken(), site.home / "other").prepare(site.project, [site.second])
    assert site.outcome() == ({"EXCLUDED": 2}, {"dicom_invalid": 1, "pull_failed": 1}, True)
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "CANARY" not in printed
    assert str(broken.name) not in printed

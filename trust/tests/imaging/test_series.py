"""Studies with more than one series, tilted patients, and many callers at once."""

from concurrent.futures import ThreadPoolExecutor

import nibabel as nib
import numpy as np
from pydicom import dcmread


def test_label_has_the_number_of_the_series_it_was_drawn_on(site):
    for number, file in enumerate(site.files(site.first)):
        ds = dcmread(file)
        ds.SeriesInstanceUID, ds.SOPInstanceUID, ds.SeriesNumber = "2.25.77", f"2.25.77{number}", 0
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.save_as(file.with_name(f"X{number}"))
    folder = site.pipeline.folder_of(site.project, site.first, {"NIFTI", "SEGMENTATION"})
    assert sorted(f.name for f in folder.glob("*.gz")) == ["input_1.nii.gz", "input_2.nii.gz", "label_2.nii.gz"]


def test_label_follows_an_oblique_image(site):
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])

    def turned(_, element):
        if element.keyword in ("ImagePositionPatient", "ImageOrientationPatient"):
            vectors = np.array(element.value, float).reshape(-1, 3) @ turn.T
            element.value = [round(float(v), 6) for v in vectors.ravel()]

    for file in site.files(site.first) + site.files(site.first, "SG*"):
        ds = dcmread(file)
        ds.walk(turned)
        ds.save_as(file)
    folder = site.pipeline.folder_of(site.project, site.first, {"NIFTI", "SEGMENTATION"})
    image, label = (np.asarray(nib.load(folder / f"{n}_1.nii.gz").dataobj) for n in ("input", "label"))
    phantom = site.phantom(site.first)
    assert image.shape == label.shape
    assert label.sum() == phantom.spleen.sum()
    assert sorted(image[label > 0]) == sorted(phantom.hu[phantom.spleen > 0])


def test_many_callers_get_the_same_folder_built_once(site, monkeypatch):
    builds = []
    build = site.pipeline._make
    monkeypatch.setattr(site.pipeline, "_make", lambda *a: (builds.append(1), build(*a)))
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(site.pipeline.folder_of, site.project, site.first, {"NIFTI"}) for _ in range(6)]
        folders = {future.result() for future in asked}
    assert len(folders) == len(builds) == 1


def test_an_evicted_folder_comes_back_the_same(site):
    folder = site.pipeline.folder_of(site.project, site.first, {"NIFTI"})
    before = (folder / "input_1.nii.gz").read_bytes()
    folder.rename(site.home / "evicted")
    assert site.pipeline.folder_of(site.project, site.first, {"NIFTI"}) == folder
    assert (folder / "input_1.nii.gz").read_bytes() == before

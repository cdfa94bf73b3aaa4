"""The synthetic studies themselves."""

from datetime import date

import numpy as np
from pydicom import dcmread

from flip_trust.synthetic.dicom import write_dicom
from flip_trust.synthetic.phantom import make_phantom


def test_the_same_arguments_write_the_same_bytes(site, tmp_path):
    write_dicom(tmp_path / "again", site.seed, site.style, [(site.first, "P0", date(2024, 3, 1))])
    again = {f.relative_to(tmp_path / "again"): f.read_bytes() for f in (tmp_path / "again").rglob("*") if f.is_file()}
    assert len(again) == 33
    assert all((site.archive / name).read_bytes() == data for name, data in again.items())


def test_every_planted_header_is_there_to_be_found(site):
    for file in (site.files(site.first)[0], *site.files(site.first, "SG*")):
        ds = dcmread(file, stop_before_pixels=True)
        assert ds.AccessionNumber == site.first
        assert all("CANARY" in str(ds[tag].value) for tag in ("PatientName", "PatientID", "StudyDescription"))


def test_anatomy_differs_by_seed_and_scanners_by_style():
    one, two, beta = make_phantom(1, "alpha"), make_phantom(2, "alpha"), make_phantom(1, "beta")
    assert not np.array_equal(one.spleen, two.spleen)
    assert one.spacing != beta.spacing
    assert one.hu[one.spleen > 0].mean() < beta.hu[beta.spleen > 0].mean()
    for phantom in (one, two, beta):
        assert phantom.hu.shape == phantom.spleen.shape == (32, 96, 96)
        assert 100 < phantom.spleen.sum() * np.prod(phantom.spacing) / 1000 < 400  # ml

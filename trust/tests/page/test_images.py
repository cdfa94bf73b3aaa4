"""Images on the trust's page: what is there, why not the rest, labels that people add. Real DICOM, really converted."""

import json
import logging

import nibabel as nib
import numpy as np
import pytest

from flip_trust.synthetic.dicom import write_dicom
from flip_trust.synthetic.omop import choose_accessions

ACCESSIONS = choose_accessions("alpha", 1, 200, 12)


@pytest.fixture
def project(site, settings):
    """Approved; one study is ready, one has a gap, ten are not in the archive."""
    write_dicom(settings["dicom_dir"], 1, "alpha", ACCESSIONS[:2])
    from pydicom import dcmread

    for file in sorted(settings["dicom_dir"].rglob("IM0009")):
        if dcmread(file, specific_tags=["AccessionNumber"]).AccessionNumber == ACCESSIONS[1][0]:
            file.unlink()
    review = site.review(imaging=True)
    site.agent.approvals.approve(review.project_id)
    site.agent._prepare(review.project_id)
    return f"/images/{review.project_id}"


@pytest.fixture
def study(site, project):
    key = site.agent.pipeline.accession_key(site.agent.store.projects()[0].review.project_id, ACCESSIONS[0][0])
    return f"{project}/{key}"


def test_counts_and_reasons_are_exact_here_and_say_what_to_do(site, project):
    ada = site.browser()
    assert f'href="{project}"' in ada.get("/images")
    shown = ada.get(project)
    assert "<dd>1</dd><dt>ready</dt>" in shown
    assert "<dd>11</dd><dt>left out</dt>" in shown
    assert "Gaps of whole slices" in shown
    assert "accession_not_found" in shown
    assert ACCESSIONS[0][0] in shown
    assert ACCESSIONS[1][0] not in ada.get(f"{project}?stage=READY")
    assert ACCESSIONS[1][0] in ada.get(f"{project}?stage=EXCLUDED")


def test_a_study_shows_its_images_flags_and_files(site, project, study):
    ada = site.browser()
    shown = ada.get(study)
    assert "96 × 96 × 32" in shown
    assert "1: segment 1" in shown
    picture = ada.client.get(f"{study}/preview_1.png")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert picture.content.startswith(b"\x89PNG")
    volume = ada.client.get(f"{study}/input_1.nii.gz")
    assert volume.content.startswith(b"\x1f\x8b")
    assert "content-encoding" not in volume.headers
    assert "worker-src 'self' blob:" in ada.client.get(study).headers["content-security-policy"]
    for name in ("study.json", "input_9.nii.gz", "..%2Finput_1.nii.gz", "dicom"):
        ada.get(f"{study}/{name}", 404)
    ada.get(f"{project}/{'0' * 64}", 404)
    assert site.stranger().client.get(f"{study}/input_1.nii.gz", follow_redirects=False).status_code == 303


def send(ada, project, path, content, **query):
    shown = ada.get(project)
    csrf = shown.split('data-csrf="')[1].split('"')[0]
    headers = {"X-CSRF-Token": csrf, "Content-Type": "application/octet-stream"}
    return ada.client.post(f"{project}/files", params={"path": path} | query, content=content, headers=headers)


def test_dropped_labels_are_matched_checked_and_told_by_whom(site, project, study, tmp_path, caplog):
    caplog.set_level(logging.DEBUG, "flip_trust")
    ada = site.browser()
    (tmp_path / "i.nii.gz").write_bytes(ada.client.get(f"{study}/input_1.nii.gz").content)
    image = nib.load(tmp_path / "i.nii.gz")
    nib.save(nib.Nifti1Image(np.full(image.shape, 3, np.uint8), image.affine), tmp_path / "label.nii.gz")
    content = (tmp_path / "label.nii.gz").read_bytes()
    accession = ACCESSIONS[0][0]
    for path, query in (
        (f"{accession}_spleen.nii.gz", {}),
        (f"x/{accession}/a.nii.gz", {}),
        ("a.nii.gz", {"accession": accession}),
    ):
        answer = send(ada, project, path, content, **query)
        assert (answer.status_code, answer.json()) == (201, {"code": "", "text": "label_1.nii.gz, version 1"})
    refused = [
        ("a.nii.gz", content, "resource_not_matched"),
        (f"{accession}.nii.gz", b"CANARY", "resource_not_a_label"),
        (f"{accession}.exe", content, "resource_name_refused"),
        (f"{ACCESSIONS[1][0]}.nii.gz", content, "resource_missing"),
    ]
    for path, body, code in refused:
        answer = send(ada, project, path, body)
        assert answer.json()["code"] == code
        assert "CANARY" not in json.dumps(answer.json())
    shown = ada.get(study)
    assert "ada" in shown
    assert 'label_1.nii.gz</th><td class="number">1</td>' in shown
    assert ada.client.get(f"{study}/label_1.nii.gz").content != b""
    assert "CANARY" not in caplog.text


def test_a_file_without_the_sessions_token_is_not_taken(site, project):
    ada = site.browser()
    answer = ada.client.post(f"{project}/files", params={"path": "a.nii.gz"}, content=b"x")
    assert answer.status_code == 403
    assert "csrf_token_missing" in answer.text

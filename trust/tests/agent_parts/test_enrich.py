"""Labels and files that people and runs add: matched, checked against the image, versioned, given out, kept."""

import csv
import gzip
import logging

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from flip_contracts.tasks import CloseProject
from flip_trust import cli, terminal
from flip_trust.enrich.errors import ImageUnclear, NameRefused, NotALabel, OffGrid
from flip_trust.enrich.matching import accession_of, rest_of
from flip_trust.errors import AccessionNotInCohort

BOTH = {"NIFTI", "SEGMENTATION"}


@pytest.fixture
def review(site):
    return site.approved(imaging=True)


@pytest.fixture
def accession(hospital):
    return hospital.accessions[0][0]


@pytest.fixture
def given(site, review, accession):
    """The folder as the archive gave it."""
    return site.agent.images.folder_of(review.project_id, accession, {"NIFTI"})


def nii(values, affine, tmp_path, name="x.nii.gz"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(values, affine), path)
    return path.read_bytes()


@pytest.fixture
def label(given, tmp_path):
    """Another label than the archive's, on the grid of the image."""
    image = nib.load(given / "input_1.nii.gz")
    values = np.zeros(image.shape, np.uint8)
    values[2:9, 3:12, 4:20] = 5
    values[0, 0, 0] = 1  # a corner: a flip would show
    return values, nii(values, image.affine, tmp_path)


def read(folder, name="label_1.nii.gz"):
    return np.asarray(nib.load(folder / name).dataobj)


def test_a_label_of_the_staff_is_given_out_and_the_archives_folder_stays_as_it_was(
    site, review, accession, given, label
):
    values, content = label
    before = {f.name: f.read_bytes() for f in given.glob("*.*")}
    made = site.agent.images.add(review.project_id, accession, "any name.nii.gz".replace(" ", "_"), content, by="Ann")
    assert (made.name, made.version, made.made_by, made.run_id) == ("label_1.nii.gz", 1, "Ann", "")
    folder = site.agent.images.folder_of(review.project_id, accession, BOTH)
    assert np.array_equal(read(folder), values)
    assert (folder / "input_1.nii.gz").read_bytes() == before["input_1.nii.gz"]
    assert {f.name: f.read_bytes() for f in given.glob("*.*")} == before
    assert site.agent.images.folder_of(review.project_id, accession, BOTH) == folder


def test_every_version_is_kept_and_the_newest_given(site, review, accession, label, given, tmp_path):
    values, content = label
    other = nii(values * 2, nib.load(given / "input_1.nii.gz").affine, tmp_path)
    images = site.agent.images
    for name, by in ((content, "Ann"), (content, "Ann"), (other, "Bob")):
        images.add(review.project_id, accession, "label_1.nii.gz", name, by=by)
    history = images.enrichments.history(review.project_id, accession)
    assert [(one.version, one.made_by) for one in history] == [(2, "Bob"), (1, "Ann")]
    assert len({one.sha256 for one in history}) == 2
    assert all(images.enrichments.file(one).is_file() for one in history)
    assert read(images.folder_of(review.project_id, accession, BOTH)).max() == 10


def test_a_label_stored_with_other_axes_is_turned_onto_the_image(site, review, accession, label, given, tmp_path):
    values, _ = label
    image = nib.load(given / "input_1.nii.gz")
    for code in ("RAS", "LPS", "SAR"):
        goal = nib.orientations.axcodes2ornt(code)
        change = nib.orientations.ornt_transform(nib.orientations.io_orientation(image.affine), goal)
        turned = nib.Nifti1Image(values, image.affine).as_reoriented(change)
        content = nii(np.asarray(turned.dataobj).astype(np.float32), turned.affine, tmp_path)
        site.agent.images.add(review.project_id, accession, "label_1.nii.gz", content, by="Ann")
        assert np.array_equal(read(site.agent.images.folder_of(review.project_id, accession, BOTH)), values), code


def test_what_is_no_label_of_this_image_is_refused_and_nothing_changes(site, review, accession, label, given, tmp_path):
    values, content = label
    affine = nib.load(given / "input_1.nii.gz").affine
    moved, stretched = affine.copy(), affine.copy()
    moved[0, 3] += 3
    stretched[:3, 2] *= 1.1
    cases = [
        (OffGrid, nii(values[:-1], affine, tmp_path)),
        (OffGrid, nii(values, moved, tmp_path)),
        (OffGrid, nii(values, stretched, tmp_path)),
        (NotALabel, nii(values + np.float32(0.5), affine, tmp_path)),
        (NotALabel, nii(values.astype(np.int16) - 1, affine, tmp_path)),
        (NotALabel, nii(np.full(values.shape, np.nan, np.float32), affine, tmp_path)),
        (NotALabel, b"CANARY no volume"),
        (NotALabel, content[:-100]),
        (NotALabel, gzip.compress(bytes(64 * 2**20))),  # more than any label of this grid
    ]
    for refusal, given_content in cases:
        with pytest.raises(refusal) as caught:
            site.agent.images.add(review.project_id, accession, "label_1.nii.gz", given_content, by="Ann")
        assert "CANARY" not in caught.value.public
    for name in ("../x.json", "x.exe", "", ".hidden.json", "a/b.json"):
        with pytest.raises(NameRefused):
            site.agent.images.add(review.project_id, accession, name, b"{}", by="Ann")
    with pytest.raises(AccessionNotInCohort):
        site.agent.images.add(review.project_id, "ELSEWHERE", "label_1.nii.gz", content, by="Ann")
    assert site.agent.images.enrichments.history(review.project_id, accession) == []


def test_other_files_lie_in_extra(site, review, accession, given):
    site.agent.images.add(review.project_id, accession, "report.json", b'{"score": 3}', by="Ann")
    folder = site.agent.images.folder_of(review.project_id, accession, {"NIFTI"})
    assert (folder / "extra" / "report.json").read_bytes() == b'{"score": 3}'


def test_no_text_of_a_label_is_kept(site, review, accession, label, given, tmp_path):
    values, _ = label
    image = nib.Nifti1Image(values, nib.load(given / "input_1.nii.gz").affine)
    image.header["descrip"] = b"CANARY"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"CANARY"))
    nib.save(image, tmp_path / "c.nii.gz")
    kept = site.agent.images.add(
        review.project_id, accession, "label_1.nii.gz", (tmp_path / "c.nii.gz").read_bytes(), by="Ann"
    )
    assert b"CANARY" not in nib.load(given / "input_1.nii.gz").to_bytes()
    assert b"CANARY" not in gzip.decompress(site.agent.images.enrichments.file(kept).read_bytes())


def test_labels_outlive_their_project_and_are_its_own_unless_shared(site, review, accession, label):
    _, content = label
    images, other = site.agent.images, site.approved(imaging=True)
    images.add(review.project_id, accession, "label_1.nii.gz", content, by="Ann")
    theirs = images.folder_of(other.project_id, accession, BOTH)
    assert read(theirs).max() == 1  # the archive's
    site.do(CloseProject(project_id=review.project_id))
    (kept,) = images.enrichments.history(review.project_id, accession)
    assert images.enrichments.file(kept).is_file()
    images.add(other.project_id, accession, "label_1.nii.gz", content, by="Ann", shared=True)
    third = site.approved(imaging=True)
    assert read(images.folder_of(third.project_id, accession, BOTH)).max() == 5


def test_two_images_on_one_grid_need_a_name(site, review, accession, label, given):
    from flip_trust.enrich.check import label_for

    _, content = label
    two = {"1": given / "input_1.nii.gz", "2": given / "input_1.nii.gz"}
    with pytest.raises(ImageUnclear):
        label_for(content, two)
    assert label_for(content, two, "2")[0] == "2"


@pytest.mark.parametrize(
    ("path", "accession"),
    [
        (("ACC1_label.nii.gz",), "ACC1"),
        (("ACC12.nii.gz",), "ACC12"),
        (("ACC1-2.nii.gz",), "ACC1-2"),
        (("ACC123.nii.gz",), ""),
        (("ACC12", "label_1.nii.gz"), "ACC12"),
        (("batch", "ACC1", "deep", "label_1.nii.gz"), "ACC1"),
        (("label_1.nii.gz",), ""),
        (("xACC1.nii.gz",), ""),
    ],
)
def test_a_file_is_matched_by_folder_or_by_how_its_name_begins(path, accession):
    known = {"ACC1", "ACC12", "ACC1-2"}
    assert accession_of(path, known) == accession
    assert not accession or not rest_of(path[-1], known).startswith("ACC")
    assert rest_of(path[-1], known).endswith(".nii.gz")


@pytest.fixture
def run_cli(site, monkeypatch):
    monkeypatch.setattr(terminal, "opened", lambda: site.agent)
    return lambda *arguments: CliRunner().invoke(cli.app, [str(a) for a in arguments])


def test_a_folder_and_a_table_are_taken_from_the_command_line(site, review, hospital, label, tmp_path, run_cli, caplog):
    caplog.set_level(logging.DEBUG)
    _, content = label
    first, second = hospital.accessions[0][0], hospital.accessions[1][0]
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / f"{first}_label.nii.gz").write_bytes(content)
    (folder / "nobody.nii.gz").write_bytes(content)
    done = run_cli("enrich", "--project", review.project_id, "--by", "Ann", folder)
    assert done.exit_code == 1
    assert "file 2: resource_not_matched" in done.output
    assert "1 added, 1 refused, of 2." in done.output
    table = tmp_path / "map.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(
            [["accession_id", "file", "name"], [second, "note.json", "note.json"], [second, "gone.json", ""]]
        )
    (tmp_path / "note.json").write_text("{}")
    done = run_cli("enrich", "--project", review.project_id, "--by", "Ann", "--csv", table)
    assert "line 3: resource_file_missing" in done.output
    assert "1 added, 1 refused, of 2." in done.output
    assert "CANARY" not in done.output + caplog.text
    assert [one.name for one in site.agent.images.enrichments.history(review.project_id, second)] == ["note.json"]
    for wrong in (("--csv", table, folder), ()):
        assert "enrich_one_source" in run_cli("enrich", "--project", review.project_id, *wrong).output


# --- by an app ---
@pytest.fixture
def run_id(site, review):
    return site.live(review)


@pytest.fixture
def add(site, review, run_id, accession):
    api = site.api(run_id)

    def add(content, **changes):
        asked = {
            "project_id": str(review.project_id),
            "accession_id": accession,
            "resource_type": "SEGMENTATION",
            "name": "label_pred.nii.gz",
        }
        return api.post("/data/v1/resources", params=asked | changes, content=content)

    return add


def test_an_app_adds_a_label_that_the_next_call_gives(site, review, run_id, accession, add, label):
    values, content = label
    answer = add(content)
    assert answer.status_code == 201
    assert answer.json()["version"] == 1
    body = {
        "project_id": str(review.project_id),
        "accession_id": accession,
        "resource_types": ["NIFTI", "SEGMENTATION"],
    }
    path = site.api(run_id).post("/data/v1/images", json=body).json()["path"]
    assert answer.json()["path"] == f"{path}/label_pred.nii.gz"
    assert np.array_equal(nib.load(f"{path}/label_pred.nii.gz").dataobj, values)
    assert nib.load(f"{path}/label_1.nii.gz").get_fdata().max() == 1  # the archive's own is still there
    (kept,) = site.agent.images.enrichments.history(review.project_id, accession)
    assert (kept.made_by, kept.run_id) == ("run", str(run_id))
    assert add(content).json()["version"] == 1


def test_an_app_replaces_nothing_and_adds_no_more_than_it_may(site, review, accession, add, label, given, tmp_path):
    _, content = label
    refused = [
        ({"name": "label_1.nii.gz"}, content, 409, "resource_exists"),
        ({"name": "x.nii.gz"}, content, 422, "resource_name_refused"),
        ({"name": "label_../x.nii.gz"}, content, 422, "resource_name_refused"),
        ({"resource_type": "DICOM", "name": "a.dcm"}, content, 422, "resource_name_refused"),
        ({"accession_id": "ELSEWHERE"}, content, 404, "accession_not_found"),
        ({}, b"CANARY", 422, "resource_not_a_label"),
        ({"resource_type": "NIFTI", "name": "input_x.nii.gz"}, b"CANARY", 422, "resource_not_a_volume"),
    ]
    for changes, body, status, code in refused:
        answer = add(body, **changes)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "CANARY" not in answer.text
    site.agent.images.add(review.project_id, accession, "label_1.nii.gz", content, by="Ann")
    site.agent.images._app_bytes = 100
    assert add(content).json()["code"] == "resource_too_large"
    site.agent.images._app_bytes = 0
    assert add(content).json()["code"] == "resources_not_taken"
    assert [one.made_by for one in site.agent.images.enrichments.history(review.project_id, accession)] == ["Ann"]


def test_an_app_adds_an_image(add, given, site, review, accession):
    answer = add((given / "input_1.nii.gz").read_bytes(), resource_type="NIFTI", name="input_smooth.nii.gz")
    assert answer.status_code == 201
    folder = site.agent.images.folder_of(review.project_id, accession, {"NIFTI"})
    assert np.array_equal(
        nib.load(folder / "input_smooth.nii.gz").get_fdata(), nib.load(given / "input_1.nii.gz").get_fdata()
    )

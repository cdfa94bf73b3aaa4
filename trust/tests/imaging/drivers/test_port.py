"""One suite over every way to an archive: they must not differ in what they find and pull."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydicom import dcmread

from flip_trust.imaging.drivers.folder import FolderDriver
from flip_trust.imaging.drivers.port import PacsDriver, askable

WAYS = ["folder", "dicomweb", "move", "get", "dicomweb-tls", "move-tls", "get-tls"]


@pytest.fixture(params=WAYS)
def driver(request, studies) -> PacsDriver:
    kind, _, tls = request.param.partition("-")
    if kind == "folder":
        return FolderDriver(studies)
    return request.getfixturevalue("secure_pacs" if tls else "pacs").driver(kind)


def pixels(folder: Path) -> dict[str, str]:
    """Instance -> what its pixels are, as they are stored."""
    found = {}
    for file in (f for f in folder.rglob("*") if f.is_file()):
        ds = dcmread(file)
        found[str(ds.SOPInstanceUID)] = f"{ds.file_meta.TransferSyntaxUID} {hashlib.sha256(ds.PixelData).hexdigest()}"
    return found


@pytest.fixture
def into(tmp_path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def of(studies: Path, accession: str, tmp_path: Path) -> dict[str, str]:
    wanted = tmp_path / "wanted"
    wanted.mkdir()
    for number, file in enumerate(f for f in studies.rglob("*") if f.is_file()):
        if dcmread(file, specific_tags=["AccessionNumber"]).AccessionNumber == accession:
            (wanted / str(number)).symlink_to(file)
    return pixels(wanted)


def test_a_study_is_found_with_its_series_and_counts(driver, site):
    [study] = driver.find(site.first)
    assert (study.accession_id, study.instances) == (site.first, 33)
    assert sorted((s.modality, s.instances) for s in study.series) == [("CT", 32), ("SEG", 1)]
    assert study.patient.startswith("CANARY")


@pytest.mark.parametrize("accession", ["ACC-UNKNOWN", "ACC-CANARY", "acc-canary-1x"])
def test_what_is_not_there_is_not_found(driver, accession):
    assert driver.find(accession) == []


def test_all_that_share_a_number_are_found(driver, pacs):
    twice, people = driver.find(pacs.twice), driver.find(pacs.two_people)
    assert len({s.uid for s in twice}) == 2
    assert {s.patient for s in people} == {"P2", "P3"}


@pytest.mark.parametrize("which", ["single", "compressed"])
def test_every_instance_comes_once_and_as_it_is_stored(driver, pacs, studies, into, tmp_path, which):
    accession, spent = getattr(pacs, which), []
    [study] = driver.find(accession)
    count = driver.pull(study, into, spent.append)
    files = sorted(f.name for f in into.iterdir())
    assert files == [f"{n:06d}.dcm" for n in range(1, count + 1)]
    assert pixels(into) == of(studies, accession, tmp_path)
    assert sum(spent) >= sum(f.stat().st_size for f in into.iterdir()) * 0.99


def test_two_pulls_at_once_do_not_mix(driver, site, studies, tmp_path):
    def pull(accession: str) -> dict[str, str]:
        folder = tmp_path / accession
        folder.mkdir()
        [study] = driver.find(accession)
        driver.pull(study, folder)
        return pixels(folder)

    with ThreadPoolExecutor(2) as pool:
        got = list(pool.map(pull, (site.first, site.second)))
    for accession, pulled in zip((site.first, site.second), got, strict=True):
        (tmp_path / f"of-{accession}").mkdir()
        assert pulled == of(studies, accession, tmp_path / f"of-{accession}")


def test_a_test_of_a_good_archive_finds_nothing_wrong(driver):
    checks = list(driver.test())
    assert len(checks) >= 2
    assert [check for check in checks if not check.fine] == []


@pytest.mark.parametrize("accession", ["", " ", "*", "A?", "A\\B", "A\n", " A", "A" * 65])
def test_what_could_match_somebody_else_is_never_asked(accession):
    assert not askable(accession)

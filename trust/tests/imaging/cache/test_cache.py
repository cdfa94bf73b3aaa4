"""The image cache: whole or noticed, bounded, and never taken from under a run."""

import hashlib
import os
import threading
import time
from uuid import uuid4

import pytest

NIFTI = {"NIFTI"}
RUN = uuid4()


def flip_a_byte(file) -> None:
    status = file.stat()
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # as a failing disk does it


@pytest.fixture
def live(site):
    """The runs that go on; and a pipeline that asks for them."""
    runs = set()
    site.pipeline = site.pipe(site.pipeline.driver, live_runs=lambda: runs)
    return runs


def key(site, accession):
    return site.pipeline.accession_key(site.project, accession)


def test_a_flipped_byte_is_noticed_and_the_study_made_again(site):
    folder = site.pipeline.folder_of(site.project, site.first, NIFTI)
    before = (folder / "input_1.nii.gz").read_bytes()
    flip_a_byte(folder / "input_1.nii.gz")
    assert site.pipeline.folder_of(site.project, site.first, NIFTI) == folder
    assert (folder / "input_1.nii.gz").read_bytes() == before
    assert site.outcome() == ({"READY": 1}, {}, True)


def test_a_flipped_byte_of_the_dicom_is_noticed_when_dicom_is_asked_for(site):
    folder = site.pipeline.folder_of(site.project, site.first, {"DICOM"})
    file = sorted((folder / "dicom").iterdir())[5]
    before = file.read_bytes()
    flip_a_byte(file)
    site.pipeline.folder_of(site.project, site.first, {"DICOM"})
    assert file.read_bytes() == before


def test_a_file_that_is_gone_is_noticed(site):
    folder = site.pipeline.folder_of(site.project, site.first, NIFTI)
    (folder / "label_1.nii.gz").unlink()
    site.pipeline.folder_of(site.project, site.first, NIFTI)
    assert (folder / "label_1.nii.gz").exists()


def test_the_sums_are_those_of_the_files(site):
    folder = site.pipeline.folder_of(site.project, site.first, NIFTI)
    files = site.pipeline.cache.files(site.project, folder.name)
    assert {f.name for f in files} == {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    for file in files:
        data = (folder / file.name).read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_longest_unused_goes_and_comes_back_when_asked_for(site, live):
    first, second = (site.pipeline.folder_of(site.project, a, NIFTI) for a in (site.first, site.second))
    site.pipeline.folder_of(site.project, site.first, NIFTI)  # used last
    cache = site.pipeline.cache
    size = cache.total()
    assert cache.evict(limit=size - 1) > 0
    assert (first.exists(), second.exists()) == (True, False)
    assert site.pipeline.folder_of(site.project, site.second, NIFTI).exists()
    assert cache.total() == size


def test_a_run_in_progress_keeps_what_it_asked_for_until_it_ends(site, live):
    live.add(RUN)
    folder = site.pipeline.folder_of(site.project, site.first, NIFTI, RUN)
    cache = site.pipeline.cache
    assert cache.evict(limit=1) == 0
    assert cache.evict(unused_since=2**40) == 0
    assert cache.usage()[site.project].leased == 1
    assert folder.exists()
    live.clear()
    assert cache.evict(limit=1) > 0
    assert not folder.exists()
    assert cache.usage() == {}


def test_what_nobody_used_for_long_goes(site, live):
    folder = site.pipeline.folder_of(site.project, site.first, NIFTI)
    cache = site.pipeline.cache
    assert cache.evict(unused_since=time.time() - 3600) == 0
    assert cache.evict(unused_since=time.time() + 1) > 0
    assert not folder.exists()


def test_an_evicted_study_is_not_made_again_by_preparing(site):
    site.pipeline.prepare(site.project, [site.first])
    site.pipeline.cache.evict(limit=1)
    site.pipeline.prepare(site.project, [site.first])
    assert site.pipeline.cache.total() == 0
    assert site.outcome() == ({"READY": 1}, {}, True)


def test_a_full_cache_takes_from_other_projects_only_and_else_says_so(site):
    other = uuid4()
    site.pipeline.folder_of(other, site.first, NIFTI)
    site.pipeline.cache.limit = site.pipeline.cache.total()
    stop = threading.Event()
    asked = (site.project, [site.first, site.second], lambda: None, stop)
    thread = threading.Thread(target=site.pipeline.prepare, args=asked)
    thread.start()
    deadline = time.monotonic() + 60
    while "image_cache_full" not in str(site.ledger.waiting()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert site.ledger.waiting()[site.project][0] == "image_cache_full"
    site.pipeline.cache.limit = 0  # the staff gave more
    thread.join(60)
    assert site.outcome() == ({"READY": 2}, {}, True)
    assert not site.pipeline.cache.has(other, site.pipeline.accession_key(other, site.first))


def test_a_folder_whose_sums_were_not_written_is_not_trusted(site):
    """Killed between the rename and the row."""
    folder = site.pipeline.folder_of(site.project, site.first, NIFTI)
    site.pipeline.cache._db.execute("DELETE FROM file")
    site.pipeline.folder_of(site.project, site.first, NIFTI)
    assert site.pipeline.cache.files(site.project, folder.name)


def test_names_in_the_cache_and_its_index_are_keyed_hashes(site):
    site.pipeline.folder_of(site.project, site.first, NIFTI)
    for file in site.cache.rglob("*"):
        assert "CANARY" not in file.name
    for file in site.cache.glob(".index.db*"):
        assert b"CANARY" not in file.read_bytes()
        assert file.stat().st_mode & 0o007 == 0 or file.suffix != ".db"

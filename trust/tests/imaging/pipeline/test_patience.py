"""What passes is waited for, what may pass is tried again, and what does not ends with its reason."""

import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest
from demo import orthanc as debian
from pydicom import dcmread

from flip_trust.imaging import workers
from flip_trust.imaging.drivers.folder import FolderDriver
from flip_trust.imaging.drivers.opened import open_driver
from flip_trust.imaging.drivers.settings import PacsSettings
from flip_trust.imaging.errors import ResourceMissing
from flip_trust.imaging.limits import Limits
from flip_trust.imaging.pipeline import Patience

QUICK = Patience(tries=(0.05, 0.1), first_wait=0.05, waits=0.2, least_free=0)


def eventually(what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


@pytest.fixture
def own_pacs(studies, tmp_path, request):
    """An Orthanc that may be killed."""
    if why := debian.missing():
        assert "FLIP_CI_MARKER" not in os.environ, why
        pytest.skip(why)
    started = debian.Orthanc(tmp_path / "orthanc", {"DicomModalitiesInDatabase": True})  # known after a restart too
    started.start()
    started.upload(f for f in (studies / "whole").rglob("*") if f.is_file())
    yield started
    started.stop()


@pytest.mark.parametrize("kind", ["dicomweb", "move"])
def test_an_archive_that_is_killed_in_the_middle_and_comes_back(own_pacs, site, tmp_path, kind):
    at = own_pacs.network
    own_pacs.modality("FLIP", 11112)
    settings = {"url": f"{own_pacs.url}/dicom-web", "username": "flip", "password": "a password"}
    if kind == "move":
        settings = {"host": at.theirs, "port": 4242, "aet": "ORTHANC", "receive_host": at.ours, "receive_port": 11112}
    driver = open_driver(
        PacsSettings.model_validate({"kind": "dicomweb" if kind == "dicomweb" else "dimse", **settings}), None, tmp_path
    )
    killed, come, pull = threading.Event(), threading.Event(), driver.pull

    def interrupted(study, into, spend):
        def dying(count: int) -> None:
            if not killed.is_set():
                killed.set()
                own_pacs.kill()
            spend(count)

        come.set()
        if kind == "move" and not killed.is_set():  # it tells of bytes only afterwards
            killed.set()
            own_pacs.kill()
        return pull(study, into, dying)

    driver.pull = interrupted
    pipeline = site.pipe(driver, patience=QUICK)
    thread = threading.Thread(target=pipeline.prepare, args=(site.project, [site.first, site.second]))
    thread.start()
    code, _ = eventually(lambda: site.ledger.waiting().get(site.project))
    assert code == "pacs_port_closed"
    assert killed.is_set()
    own_pacs.start()
    thread.join(120)
    assert site.outcome() == ({"READY": 2}, {}, True)
    assert site.ledger.waiting() == {}


def test_a_disk_that_is_full_is_waited_for_and_said(site, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        pipeline = site.pipe(FolderDriver(site.archive), small, patience=QUICK)
        thread = threading.Thread(target=pipeline.prepare, args=(site.project, [site.first]))
        thread.start()
        assert eventually(lambda: site.ledger.waiting().get(site.project))[0] == "disk_full"
        with pytest.raises(ResourceMissing, match="disk_full"):
            pipeline.folder_of(site.project, site.first, {"NIFTI"})
        subprocess.run(["mount", "-o", "remount,size=100m", small], check=True)
        thread.join(120)
        assert site.outcome() == ({"READY": 1}, {}, True)
        pipeline.close()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_the_reserve_of_the_disk_is_left_alone(site):
    everything = Patience(tries=(), first_wait=0.05, waits=0.1, least_free=2**60)
    stop, pipeline = threading.Event(), site.pipe(FolderDriver(site.archive), patience=everything)
    thread = threading.Thread(target=pipeline.prepare, args=(site.project, [site.first], lambda: None, stop))
    thread.start()
    assert eventually(lambda: site.ledger.waiting().get(site.project))[0] == "disk_full"
    stop.set()
    thread.join(30)
    assert site.outcome() == ({"REQUESTED": 1}, {}, False)


def test_nothing_is_pulled_outside_the_hours(site):
    hours = [False]
    limits = Limits()
    limits.open_now = lambda: hours[0]
    pipeline = site.pipe(FolderDriver(site.archive), limits=limits)
    thread = threading.Thread(target=pipeline.prepare, args=(site.project, [site.first]))
    thread.start()
    assert eventually(lambda: site.ledger.waiting().get(site.project))[0] == "pacs_outside_hours"
    with pytest.raises(ResourceMissing, match="pacs_outside_hours"):
        pipeline.folder_of(site.project, site.first, {"NIFTI"})
    hours[0] = True
    thread.join(60)
    assert site.outcome() == ({"READY": 1}, {}, True)


def late_slices(site, driver):
    """The archive announces a slice more than it has."""
    find = driver.find
    hidden = [1]

    def announced(accession):
        found = find(accession)
        return [
            replace(s, series=(replace(s.series[0], instances=s.series[0].instances + hidden[0]), *s.series[1:]))
            for s in found
        ]

    driver.find = announced
    return hidden


def test_missing_instances_are_asked_for_again_and_then_excluded(site):
    driver = FolderDriver(site.archive)
    late_slices(site, driver)
    pulls, pull = [], driver.pull
    driver.pull = lambda *a: pulls.append(1) or pull(*a)
    site.pipe(driver, patience=QUICK).prepare(site.project, [site.first])
    assert site.outcome() == ({"EXCLUDED": 1}, {"instances_missing": 1}, True)
    assert len(pulls) == 3


def test_late_slices_are_waited_for(site):
    driver = FolderDriver(site.archive)
    hidden, pull = late_slices(site, driver), driver.pull

    def pulled(*arguments):
        count = pull(*arguments)
        hidden[0] = 0  # for the next look
        return count

    driver.pull = pulled
    site.pipe(driver, patience=QUICK).prepare(site.project, [site.first])
    assert site.outcome() == ({"READY": 1}, {}, True)


def test_the_same_instance_twice_is_taken_once(site):
    original = site.files(site.first)[0]
    shutil.copyfile(original, original.with_name("COPY"))
    site.pipeline.prepare(site.project, [site.first])
    assert site.outcome() == ({"READY": 1}, {}, True)
    steps = site.ledger.steps(site.project, site.pipeline.accession_key(site.project, site.first))
    assert next(s.count for s in steps if s.stage == "PULLED") == 33


def test_two_different_files_of_one_instance_are_never_guessed(site):
    original = site.files(site.first)[0]
    ds = dcmread(original)
    ds.PixelData = bytes(len(ds.PixelData))
    ds.save_as(original.with_name("OTHER"))
    site.pipeline.prepare(site.project, [site.first])
    assert site.outcome() == ({"EXCLUDED": 1}, {"instances_differ": 1}, True)


@pytest.mark.parametrize("left", [0.5, 0.99])
def test_a_file_that_was_cut_short_is_excluded(site, left):
    file = site.files(site.first)[0]
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * left)])
    site.pipeline.prepare(site.project, [site.first])
    assert site.outcome() == ({"EXCLUDED": 1}, {"dicom_invalid": 1}, True)


def test_ambiguous_numbers_are_never_pulled(site, pacs, monkeypatch):
    driver = pacs.driver("dicomweb")
    monkeypatch.setattr(driver, "pull", None)
    site.pipe(driver).prepare(site.project, [pacs.twice, pacs.two_people])
    assert site.outcome() == ({"EXCLUDED": 2}, {"accession_ambiguous": 2}, True)


def test_a_study_that_kills_its_worker_is_excluded_and_the_others_go_on(site, monkeypatch):
    prepare, crashed = workers._Slot.run, []

    def crashing(slot, order):
        if order.accession_id == site.first and not crashed:
            crashed.append(1)
            slot.close()
            slot._pool, slot._left = ProcessPoolExecutor(1, get_context("forkserver"), initializer=os.abort), 9
        return prepare(slot, order)

    monkeypatch.setattr(workers._Slot, "run", crashing)
    site.pipeline.prepare(site.project, [site.first, site.second])
    assert site.outcome() == ({"EXCLUDED": 1, "READY": 1}, {"internal_error": 1}, True)
    site.pipeline.prepare(site.project, [site.first])
    assert site.outcome() == ({"READY": 2}, {}, True)


def test_a_project_that_ends_is_not_prepared_further(site):
    stop = threading.Event()
    stop.set()
    assert site.pipeline.prepare(site.project, [site.second], lambda: None, stop) is False
    assert site.outcome() == ({"REQUESTED": 1}, {}, False)

"""The folder archive's index: what changed is read, and nothing else."""

import os
from datetime import date

import pytest

from flip_trust.imaging.drivers import folder as driver_module
from flip_trust.imaging.drivers import folder_index
from flip_trust.imaging.drivers.folder import FolderDriver
from flip_trust.synthetic.dicom import write_dicom


@pytest.fixture
def read(monkeypatch):
    files = []
    header = folder_index.read_header
    monkeypatch.setattr(folder_index, "read_header", lambda file: files.append(file) or header(file))
    return files


@pytest.fixture
def always_stale(monkeypatch):
    monkeypatch.setattr(driver_module, "_REFRESH_SECONDS", -1.0)
    monkeypatch.setattr(driver_module, "_REST", 0.0)


def test_an_unchanged_file_is_read_once_even_after_a_restart(site, read, tmp_path):
    for _ in range(2):
        driver = FolderDriver(site.archive, tmp_path / "index.db")
        assert len(driver.find(site.first)) == 1
        assert driver.find("ACC-UNKNOWN") == []
        driver.close()
    assert len(read) == len(set(read)) == 66


def test_a_changed_file_is_read_again_and_one_that_went_is_forgotten(site, read, always_stale):
    driver = FolderDriver(site.archive)
    [study] = driver.find(site.first)
    assert study.instances == 33
    changed, gone, *_ = site.files(site.first)
    os.utime(changed, ns=(1, 1))
    gone.unlink()
    read.clear()
    [study] = driver.find(site.first)
    assert (study.instances, read) == (32, [changed])


def test_a_second_study_is_noticed_once_the_index_is_stale(site, always_stale):
    driver = FolderDriver(site.archive)
    assert len(driver.find(site.first)) == 1
    write_dicom(site.archive / "other", 99, "alpha", [(site.first, "P9", date(2024, 1, 1))])
    assert len(driver.find(site.first)) == 2


def test_an_index_made_for_another_folder_is_made_anew(site, tmp_path):
    FolderDriver(site.archive, tmp_path / "index.db").find(site.first)
    (tmp_path / "empty").mkdir()
    assert FolderDriver(tmp_path / "empty", tmp_path / "index.db").find(site.first) == []


def test_the_index_is_for_the_agent_alone(site, tmp_path):
    FolderDriver(site.archive, tmp_path / "index.db").find(site.first)
    assert (tmp_path / "index.db").stat().st_mode & 0o077 == 0


def test_what_is_not_dicom_is_passed_over(site):
    (site.archive / "notes.txt").write_text(f"CANARY {site.first}")
    (site.archive / "empty.dcm").touch()
    os.mkfifo(site.archive / "pipe")
    [study] = FolderDriver(site.archive).find(site.first)
    assert study.instances == 33


def test_a_folder_that_is_not_there_is_said_so(tmp_path):
    [check] = FolderDriver(tmp_path / "nowhere").test()
    assert (check.fine, check.name) == (False, "pacs_no_folder")


def test_a_folder_without_dicom_is_said_so(tmp_path):
    *_, last = FolderDriver(tmp_path).test()
    assert not last.fine
    assert "no DICOM" in last.remedy

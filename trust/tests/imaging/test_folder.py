"""The folder archive."""

import os
from datetime import date

import pytest

from flip_trust.imaging import folder as module
from flip_trust.imaging.errors import AccessionNotFound
from flip_trust.imaging.folder import FolderDriver
from flip_trust.synthetic.dicom import write_dicom


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def test_pulled_files_do_not_keep_the_names_of_the_archive(site, into):
    assert FolderDriver(site.archive).pull(f" {site.first} ", into) == 33
    assert sorted(f.name for f in into.iterdir())[:2] == ["000001.dcm", "000002.dcm"]


def test_an_unchanged_file_is_read_once(site, into, monkeypatch):
    read = []
    entry = module._entry
    monkeypatch.setattr(module, "_entry", lambda file: read.append(file) or entry(file))
    driver = FolderDriver(site.archive)
    driver.pull(site.first, into)
    with pytest.raises(AccessionNotFound):
        driver.pull("ACC-UNKNOWN", into)
    assert len(read) == len(set(read)) == 66


def test_a_second_study_is_noticed_once_the_index_is_stale(site, into, monkeypatch):
    monkeypatch.setattr(module, "_REFRESH_S", -1.0)
    driver = FolderDriver(site.archive)
    driver.pull(site.first, into)
    write_dicom(site.archive / "other", 99, "alpha", [(site.first, "P9", date(2024, 1, 1))])
    with pytest.raises(AccessionNotFound, match="more than one"):
        driver.pull(site.first, into)


def test_what_is_not_dicom_is_passed_over(site, into):
    (site.archive / "notes.txt").write_text(f"CANARY {site.first}")
    (site.archive / "empty.dcm").touch()
    os.mkfifo(site.archive / "pipe")
    assert FolderDriver(site.archive).pull(site.first, into) == 33

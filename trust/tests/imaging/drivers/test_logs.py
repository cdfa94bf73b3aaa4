"""Accession numbers, names and UIDs are in every query and answer. None may be logged, whatever goes wrong."""

import contextlib
import logging

import pytest

from flip_trust.imaging.drivers.faults import PacsFault


@pytest.mark.parametrize("kind", ["dicomweb", "move", "get"])
def test_no_query_answer_or_file_name_is_logged(pacs, site, tmp_path, caplog, capfd, kind):
    caplog.set_level(logging.DEBUG)
    driver, into = pacs.driver(kind), tmp_path / "into"
    into.mkdir()
    [study] = driver.find(site.first)
    driver.pull(study, into)
    pacs.orthanc.modality("FLIP", 1, AllowFind=False, AllowGet=False, AllowMove=False)
    for what in (lambda: driver.find(site.second), lambda: driver.pull(study, into)):
        with contextlib.suppress(PacsFault):
            what()
    said = caplog.text + "".join(capfd.readouterr())
    assert "CANARY" not in said
    assert study.uid not in said
    assert study.series[0].uid not in said

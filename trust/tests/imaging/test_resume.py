"""A prepare that is killed outright, at the worst moments, and taken up again."""

import signal
import subprocess
import sys

import pytest

from flip_trust.imaging.folder import FolderDriver
from flip_trust.imaging.pipeline import Pipeline

CHILD = """
import os, signal, sys
from pathlib import Path
from uuid import UUID
from flip_trust.imaging import pipeline as module, study
from flip_trust.imaging.folder import FolderDriver
from flip_trust.imaging.ledger import Ledger

home, archive, key, project, first, second, where = sys.argv[1:]
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
ledger = Ledger(Path(home) / "ledger.sqlite")
pipeline = module.Pipeline(FolderDriver(Path(archive)), Path(home) / "cache", key.encode(), ledger)
pipeline.prepare(UUID(project), [first])
if where == "deidentified":
    study.convert_volume = die
elif where == "converted":
    study.segment.write_segmentation = die
else:  # the folder is there, the ledger does not know
    publish = module._publish
    module._publish = lambda *a: (publish(*a), die())
pipeline.prepare(UUID(project), [first, second])
"""


@pytest.mark.parametrize("where", ["deidentified", "converted", "published"])
def test_prepare_resumes_after_kill_9(site, where):
    arguments = [site.home, site.archive, site.key.decode(), site.project, site.first, site.second, where]
    child = subprocess.run([sys.executable, "-c", CHILD, *map(str, arguments)], check=False, timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert site.outcome()[2] is False
    finished = site.cache / str(site.project) / site.pipeline.accession_key(site.project, site.first)
    before = finished.stat().st_mtime_ns

    restarted = Pipeline(FolderDriver(site.archive), site.cache, site.key, site.ledger)
    assert not list(site.cache.rglob(".tmp-*")), "a restart removes what may not be de-identified yet"
    restarted.prepare(site.project, [site.first, site.second])

    assert site.outcome() == ({"READY": 2}, {}, True)
    assert finished.stat().st_mtime_ns == before
    folder = site.pipeline.folder_of(site.project, site.second, {"NIFTI", "SEGMENTATION"})
    assert sorted(f.name for f in folder.glob("*.gz")) == ["input_1.nii.gz", "label_1.nii.gz"]

"""An agent that is killed outright at every stage, and taken up again: nothing is lost, nothing done twice."""

import json
import signal
import subprocess
import sys

import pytest

from flip_trust.imaging.drivers.folder import FolderDriver

# The child kills itself as its ledger gets to a stage; whoever of its processes records it (the agent's own or a
# worker), the whole group dies at once, as in a power cut.
CHILD = """
import json, os, signal, sys
from pathlib import Path
from uuid import UUID
import flip_trust.imaging.ledger as ledgers
from flip_trust.imaging.drivers.folder import FolderDriver
from flip_trust.imaging.pipeline import Patience, Pipeline

home, archive, key, project, first, second, where = json.loads(os.environ["ARGUMENTS"])
home = Path(home)


def main():
    os.setpgid(0, 0)
    ledger = ledgers.Ledger(home / "ledger.sqlite")
    pipeline = Pipeline(
        FolderDriver(Path(archive)), home / "cache", key.encode(), ledger, patience=Patience(least_free=0)
    )
    pipeline.prepare(UUID(project), [first])
    if where == "published":  # the folder is there, the ledger does not know
        publish = pipeline.cache.publish
        pipeline.cache.publish = lambda *a: (publish(*a), os.killpg(0, signal.SIGKILL))
    elif where == "removing":  # half of the pulled files are gone, since they are de-identified
        os.environ["DIE_REMOVING"] = "1"
    else:
        os.environ["DIE_AT"] = where
    pipeline._workers.close()  # the worker's environment is that of its server: a new one
    from multiprocessing.forkserver import _forkserver
    _forkserver._stop()
    pipeline.prepare(UUID(project), [first, second])


record = ledgers.Ledger.record


def recorded(self, project_id, key, stage, *rest, **more):
    record(self, project_id, key, stage, *rest, **more)
    if stage == os.environ.get("DIE_AT"):
        os.killpg(0, signal.SIGKILL)


ledgers.Ledger.record = recorded
if os.environ.get("DIE_REMOVING"):
    import shutil
    remove = shutil.rmtree

    def removed(path, *rest, **more):
        if Path(path).name == "raw-used":
            next(iter(Path(path).iterdir())).unlink()
            os.killpg(0, signal.SIGKILL)
        remove(path, *rest, **more)

    shutil.rmtree = removed
if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    "where", ["FOUND", "PULLED", "removing", "DEIDENTIFIED", "CONVERTED", "CHECKED", "published", "READY"]
)
def test_prepare_resumes_after_kill_9(site, tmp_path, where):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    arguments = [site.home, site.archive, site.key.decode(), site.project, site.first, site.second, where]
    child = subprocess.run(
        [sys.executable, str(script)],
        env={"ARGUMENTS": json.dumps([str(a) for a in arguments]), "PATH": "/usr/bin:/bin"},
        check=False,
        timeout=120,
    )
    assert child.returncode == -signal.SIGKILL
    assert site.outcome()[2] is (where == "READY")
    finished = site.cache / str(site.project) / site.pipeline.accession_key(site.project, site.first)
    before = finished.stat().st_mtime_ns

    pulls = []
    driver = FolderDriver(site.archive)
    pull = driver.pull
    driver.pull = lambda study, *rest: pulls.append(study.accession_id) or pull(study, *rest)
    restarted = site.pipe(driver)
    left = list(site.cache.rglob(".tmp-*"))
    assert len(left) == (1 if where == "PULLED" else 0), "only a whole pull outlives a restart"
    restarted.prepare(site.project, [site.first, site.second])

    assert site.outcome() == ({"READY": 2}, {}, True)
    assert not list(site.cache.rglob(".tmp-*"))
    assert finished.stat().st_mtime_ns == before
    assert pulls == ([] if where in ("PULLED", "published", "READY") else [site.second])
    folder = restarted.folder_of(site.project, site.second, {"NIFTI", "SEGMENTATION"})
    assert sorted(f.name for f in folder.glob("*.gz")) == ["input_1.nii.gz", "label_1.nii.gz"]

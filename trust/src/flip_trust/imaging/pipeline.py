"""Drives accessions from the archive to READY folders: pull, de-identify, convert, check, publish by rename."""

import fcntl
import hashlib
import hmac
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from flip_contracts.statuses import ImagingStage
from flip_trust.imaging.driver import PacsDriver
from flip_trust.imaging.errors import AccessionNotFound, Exclusion, ImagingExcluded, ResourceMissing
from flip_trust.imaging.ledger import Ledger
from flip_trust.imaging.plan import StudyPlan
from flip_trust.imaging.study import prepare_study

log = logging.getLogger(__name__)

_FILES = {"DICOM": "dicom/*.dcm", "NIFTI": "input_*.nii.gz", "SEGMENTATION": "label_*.nii.gz"}
_NOT_FOUND = frozenset({Exclusion.ACCESSION_NOT_FOUND, Exclusion.ACCESSION_AMBIGUOUS})
# The archive may do better next time; what fails for its own content will fail again.
_RETRIED = _NOT_FOUND | {Exclusion.PULL_FAILED, Exclusion.TEXT_CHECK_UNAVAILABLE, Exclusion.INTERNAL_ERROR}
_LOCKS = 64
_SCRATCH = ".tmp-"


class Pipeline:
    """Thread-safe, and safe beside another process on the same cache. Never logs what could name a patient."""

    def __init__(
        self,
        driver: PacsDriver,
        cache_dir: Path,
        key: bytes,
        ledger: Ledger,
        plan_of: Callable[[UUID], StudyPlan] = lambda project_id: StudyPlan(),
    ):
        self._driver, self._cache, self._key, self._ledger, self._plan_of = driver, cache_dir, key, ledger, plan_of
        self._sweep()

    def prepare(
        self, project_id: UUID, accession_ids: list[str], on_progress: Callable[[], None] = lambda: None
    ) -> None:
        """Bring every accession to READY or EXCLUDED. Call again after a crash: finished ones are skipped."""
        wanted = list(dict.fromkeys(accession.strip() for accession in accession_ids))
        self._ledger.request(project_id, (self.accession_key(project_id, accession) for accession in wanted))
        on_progress()
        for accession in wanted:
            self._settle(project_id, accession)
            on_progress()

    def folder_of(self, project_id: UUID, accession_id: str, types: set[str]) -> Path:
        """The accession's folder, prepared on demand. Raises AccessionNotFound or ResourceMissing."""
        if unknown := types - _FILES.keys():
            raise ValueError(f"unknown resource types: {len(unknown)}")
        accession = accession_id.strip()
        reason = self._settle(project_id, accession)
        if reason in _NOT_FOUND:
            raise AccessionNotFound(ambiguous=reason == Exclusion.ACCESSION_AMBIGUOUS)
        if reason:
            raise ResourceMissing("NIFTI" if "NIFTI" in types else min(types, default="NIFTI"), reason)
        folder = self._folder(project_id, accession)
        for kind, pattern in _FILES.items():
            if kind in types and next(folder.glob(pattern), None) is None:
                raise ResourceMissing(kind)
        return folder

    def accession_key(self, project_id: UUID, accession_id: str) -> str:
        """What the ledger and the cache call an accession. Not comparable between projects."""
        return hmac.new(
            self._project_key(project_id), b"accession:" + accession_id.encode(), hashlib.sha256
        ).hexdigest()

    def _project_key(self, project_id: UUID) -> bytes:
        return hmac.new(self._key, b"imaging:" + project_id.bytes, hashlib.sha256).digest()

    def _folder(self, project_id: UUID, accession: str) -> Path:
        return self._cache / str(project_id) / self.accession_key(project_id, accession)

    def _settle(self, project_id: UUID, accession: str) -> str:
        """Prepare one accession unless that is done; returns why it is excluded, or ''."""
        key = self.accession_key(project_id, accession)
        folder = self._folder(project_id, accession)
        with self._locked(key):
            known = self._ledger.stage_of(project_id, key)
            if folder.is_dir():
                if known != (ImagingStage.READY, ""):  # killed between the rename and the record
                    self._ledger.record(project_id, key, ImagingStage.READY)
                return ""
            if known and known[0] == ImagingStage.EXCLUDED and known[1] not in _RETRIED:
                return known[1]
            if known:
                self._ledger.record(project_id, key, ImagingStage.REQUESTED)  # a retry is not settled
            reason = self._attempt(project_id, accession, key, folder)
            # An app asking for what nobody requested and the archive does not have must not change the counts.
            if reason and (known or reason not in _NOT_FOUND):
                self._ledger.record(project_id, key, ImagingStage.EXCLUDED, reason)
            return reason

    def _attempt(self, project_id: UUID, accession: str, key: str, folder: Path) -> str:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{_SCRATCH}{key[:16]}-"))
        try:
            self._build(project_id, accession, key, scratch)
            _publish(scratch / "out", folder)
            self._ledger.record(project_id, key, ImagingStage.READY)
        except AccessionNotFound as error:
            return Exclusion.ACCESSION_AMBIGUOUS if error.ambiguous else Exclusion.ACCESSION_NOT_FOUND
        except ImagingExcluded as error:
            return error.reason
        except Exception as error:  # noqa: BLE001 - one bad accession must not stop the rest
            log.warning("imaging of one accession failed: %s", type(error).__name__)  # its text may hold file names
            return Exclusion.INTERNAL_ERROR
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return ""

    def _build(self, project_id: UUID, accession: str, key: str, scratch: Path) -> None:
        def reached(stage: ImagingStage) -> None:
            self._ledger.record(project_id, key, stage)

        raw, out = scratch / "raw", scratch / "out"
        raw.mkdir()
        out.mkdir()
        count = self._pull(accession, raw)
        reached(ImagingStage.FOUND)
        if count == 0 or count != sum(1 for _ in raw.iterdir()):
            raise ImagingExcluded(Exclusion.PULL_FAILED)
        reached(ImagingStage.PULLED)
        prepare_study(raw, accession, out, self._project_key(project_id), self._plan_of(project_id), reached)

    def _pull(self, accession: str, raw: Path) -> int:
        try:
            return self._driver.pull(accession, raw)
        except (AccessionNotFound, ImagingExcluded):
            raise
        except Exception as error:  # noqa: BLE001 - each archive fails in its own way, and says so in its own words
            log.warning("a pull from the imaging archive failed: %s", type(error).__name__)
            raise ImagingExcluded(Exclusion.PULL_FAILED) from None

    def _sweep(self) -> None:
        """Remove what a killed process left: it may hold files that were not de-identified yet."""
        for left_over in self._cache.glob(f"*/{_SCRATCH}*"):
            key = left_over.name.removeprefix(_SCRATCH)
            try:
                with self._locked(key, wait=False):
                    shutil.rmtree(left_over, ignore_errors=True)
            except BlockingIOError:
                continue  # somebody alive is working in it

    @contextmanager
    def _locked(self, key: str, *, wait: bool = True) -> Iterator[None]:
        """One builder per accession, across threads and processes; the kernel frees it after kill -9."""
        locks = self._cache / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / str(int(key[:8], 16) % _LOCKS)).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield


def _publish(built: Path, folder: Path) -> None:
    """Durable first, then visible: a folder under its final name is always whole. Apps may read, not change it."""
    for file in built.rglob("*"):
        if file.is_file():
            file.chmod(0o444)
            _sync(file)
    _sync(built)
    os.rename(built, folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

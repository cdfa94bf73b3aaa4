"""Drives accessions from the archive to READY folders: find, pull, de-identify, convert, check, publish by rename."""

import hashlib
import hmac
import logging
import shutil
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from flip_contracts.statuses import ImagingStage
from flip_trust.imaging.cache import Cache
from flip_trust.imaging.drivers.faults import PacsFault
from flip_trust.imaging.drivers.port import PacsDriver
from flip_trust.imaging.errors import AccessionNotFound, Exclusion, ImagingExcluded, ResourceMissing
from flip_trust.imaging.fetching import Incomplete, find_one, pull_whole
from flip_trust.imaging.ledger import Ledger
from flip_trust.imaging.limits import Limits
from flip_trust.imaging.locks import AccessionLocks
from flip_trust.imaging.plan import StudyPlan
from flip_trust.imaging.workers import Order, Workers, is_no_space

log = logging.getLogger(__name__)

_FILES = {"DICOM": "dicom/*.dcm", "NIFTI": "input_*.nii.gz", "SEGMENTATION": "label_*.nii.gz"}
_NOT_FOUND = frozenset({Exclusion.ACCESSION_NOT_FOUND, Exclusion.ACCESSION_AMBIGUOUS, Exclusion.ACCESSION_INVALID})
# The archive may do better next time; what fails for its own content will fail again.
_RETRIED = _NOT_FOUND | {
    Exclusion.PULL_FAILED,
    Exclusion.INSTANCES_MISSING,
    Exclusion.TEXT_CHECK_UNAVAILABLE,
    Exclusion.INTERNAL_ERROR,
}
_HAS_RAW = (ImagingStage.PULLED, ImagingStage.DEIDENTIFIED, ImagingStage.CONVERTED, ImagingStage.CHECKED)
_SCRATCH = ".tmp-"
DISK_FULL, CACHE_FULL = "disk_full", "image_cache_full"


@dataclass(frozen=True)
class Patience:
    """`tries`: seconds to wait before each further try of one study. `waits`: the longest between looks at an archive
    or a disk that no study is at fault for; these go on without end. `least_free`: bytes of disk left alone."""

    tries: tuple[float, ...] = (2.0, 15.0, 60.0)
    waits: float = 60.0
    first_wait: float = 1.0
    least_free: int = 2 * 2**30


class _Wait(Exception):
    """Nothing that this accession is at fault for: everything waits, and the ledger says for what."""

    def __init__(self, code: str):
        self.code = code
        super().__init__(code)


class _Again(Exception):
    """This accession failed in a way that may pass; `reason` is its exclusion if it does not."""

    def __init__(self, reason: Exclusion):
        self.reason = reason
        super().__init__(reason)


class Pipeline:
    """Thread-safe, and safe beside another process on the same cache. Never logs what could name a patient."""

    def __init__(
        self,
        driver: PacsDriver,
        cache_dir: Path,
        key: bytes,
        ledger: Ledger,
        plan_of: Callable[[UUID], StudyPlan] = lambda project_id: StudyPlan(),
        *,
        limits: Limits | None = None,
        workers: int = 2,
        patience: Patience | None = None,
        cache_bytes: int = 0,
        live_runs: Callable[[], Iterable[UUID]] = lambda: (),
    ):
        self.driver, self._key, self._ledger, self._plan_of = driver, key, ledger, plan_of
        self._limits, self._patience = limits or Limits(), patience or Patience()
        self._locks = AccessionLocks(cache_dir / ".locks")
        self.cache = Cache(cache_dir, self._locks, live_runs, cache_bytes)
        self._workers = Workers(workers)
        # While one study is converted the next is pulled; as many are on disk at once, and not more.
        self._threads = workers + 2
        self._sweep()

    def prepare(
        self,
        project_id: UUID,
        accession_ids: list[str],
        on_progress: Callable[[], None] = lambda: None,
        stop: threading.Event | None = None,
    ) -> bool:
        """Bring every accession to READY or EXCLUDED. Call again after a crash: finished ones are skipped.

        Waits as long as the archive is away or the disk is full, and the ledger says so. False if `stop` ended it.
        """
        stop = stop or threading.Event()
        wanted = list(dict.fromkeys(accession.strip() for accession in accession_ids))
        keys = {accession: self.accession_key(project_id, accession) for accession in wanted}
        self._ledger.request(project_id, keys.values())
        on_progress()
        settled = {
            key
            for key, stage, reason in self._ledger.standings(project_id)
            # READY, though evicted: it is made again when it is asked for, or a small cache would turn in circles.
            if stage == ImagingStage.READY or (stage == ImagingStage.EXCLUDED and reason not in _RETRIED)
        }

        def settle(accession: str) -> None:
            if not stop.is_set():
                self._settle_patiently(project_id, accession, stop)
                on_progress()

        with ThreadPoolExecutor(self._threads, thread_name_prefix="imaging") as pool:
            # Consumed, so that an unexpected failure is raised here.
            list(pool.map(settle, (accession for accession in wanted if keys[accession] not in settled)))
        self._ledger.wait_for(project_id, "")
        return not stop.is_set()

    def folder_of(self, project_id: UUID, accession_id: str, types: set[str], run_id: UUID | None = None) -> Path:
        """The accession's folder, prepared on demand. Raises AccessionNotFound or ResourceMissing.

        With `run_id` the study stays in the cache until that run has ended.
        """
        if unknown := types - _FILES.keys():
            raise ValueError(f"unknown resource types: {len(unknown)}")
        accession = accession_id.strip()
        key = self.accession_key(project_id, accession)
        try:
            reason = self._settle(project_id, accession, run_id, dicom="DICOM" in types)
        except _Wait as wait:
            reason = wait.code
        except _Again as again:
            reason = self._give_up(project_id, key, again.reason)
        if reason in _NOT_FOUND:
            raise AccessionNotFound(ambiguous=reason == Exclusion.ACCESSION_AMBIGUOUS)
        if reason:
            raise ResourceMissing("NIFTI" if "NIFTI" in types else min(types, default="NIFTI"), reason)
        folder = self.cache.place(project_id, key)
        for kind, pattern in _FILES.items():
            if kind in types and next(folder.glob(pattern), None) is None:
                raise ResourceMissing(kind)
        return folder

    def accession_key(self, project_id: UUID, accession_id: str) -> str:
        """What the ledger and the cache call an accession. Not comparable between projects."""
        return hmac.new(
            self._project_key(project_id), b"accession:" + accession_id.encode(), hashlib.sha256
        ).hexdigest()

    def locked(self, key: str) -> AbstractContextManager[None]:
        """Nobody builds or reads that accession meanwhile."""
        return self._locks.held(key)

    def close(self) -> None:
        self._workers.close()
        self.driver.close()
        self.cache.close()

    def _project_key(self, project_id: UUID) -> bytes:
        return hmac.new(self._key, b"imaging:" + project_id.bytes, hashlib.sha256).digest()

    # --- patience ---
    def _settle_patiently(self, project_id: UUID, accession: str, stop: threading.Event) -> None:
        key, tries, wait = self.accession_key(project_id, accession), 0, self._patience.first_wait
        if (known := self._ledger.stage_of(project_id, key)) and known[0] == ImagingStage.EXCLUDED:
            self._ledger.record(project_id, key, ImagingStage.REQUESTED)  # tried again, so not settled
        while not stop.is_set():
            try:
                self._settle(project_id, accession)
                self._ledger.wait_for(project_id, "")
                return
            except _Wait as waiting:
                if self._ledger.wait_for(project_id, waiting.code):
                    log.warning("the images of project %s wait: %s", project_id, waiting.code)
                stop.wait(wait)
                wait = min(wait * 2, self._patience.waits)
            except _Again as again:
                if tries == len(self._patience.tries):
                    self._give_up(project_id, key, again.reason)
                    return
                stop.wait(self._patience.tries[tries])
                tries += 1

    def _give_up(self, project_id: UUID, key: str, reason: Exclusion) -> str:
        # An app asking for what nobody requested and the archive does not have must not change the counts.
        if self._ledger.stage_of(project_id, key) or reason not in _NOT_FOUND:
            self._ledger.record(project_id, key, ImagingStage.EXCLUDED, reason)
        return reason

    # --- one accession ---
    def _settle(self, project_id: UUID, accession: str, run_id: UUID | None = None, *, dicom: bool = False) -> str:
        """Prepare one accession unless that is done; returns why it is excluded, or ''. Raises _Wait or _Again."""
        key = self.accession_key(project_id, accession)
        with self._locks.held(key):
            known = self._ledger.stage_of(project_id, key)
            if self.cache.has(project_id, key):
                if self.cache.is_whole(project_id, key, dicom=dicom):
                    self.cache.used(project_id, key, run_id)
                    if known != (ImagingStage.READY, ""):  # killed between the rename and the record
                        self._ledger.record(project_id, key, ImagingStage.READY, count=self._images(project_id, key))
                    return ""
                log.warning("a study in the cache of project %s is damaged; it is made again", project_id)
                self.cache.drop(project_id, key)
            if known and known[0] == ImagingStage.EXCLUDED and known[1] not in _RETRIED:
                return known[1]
            try:
                self._make(project_id, accession, key)
            except AccessionNotFound as error:
                reason = Exclusion.ACCESSION_AMBIGUOUS if error.ambiguous else Exclusion.ACCESSION_NOT_FOUND
                return self._give_up(project_id, key, reason)
            except ImagingExcluded as error:
                return self._give_up(project_id, key, error.reason)
            self.cache.used(project_id, key, run_id)
            return ""

    def _make(self, project_id: UUID, accession: str, key: str) -> None:
        scratch = self.cache.folder / str(project_id) / f"{_SCRATCH}{key}"
        raw, out = scratch / "raw", scratch / "out"
        scratch.mkdir(parents=True, mode=0o700, exist_ok=True)
        try:
            self._make_room(project_id)
            if not raw.is_dir():
                self._pull(project_id, accession, key, raw)
            shutil.rmtree(out, ignore_errors=True)  # of a process that was killed
            out.mkdir()
            plan = self._plan_of(project_id)
            order = Order(project_id, key, accession, self._project_key(project_id), plan, raw, out, self._ledger.path)
            done = self._workers.prepare(order)
            if done.disk_full:
                raise _Wait(DISK_FULL)
            if done.reason:
                raise ImagingExcluded(Exclusion(done.reason))
            if done.bug:
                log.warning("imaging of one accession failed: %s", done.bug)
                raise ImagingExcluded(Exclusion.INTERNAL_ERROR)
            self.cache.publish(project_id, key, out, list(done.files))
            self._ledger.record(project_id, key, ImagingStage.READY, count=done.images)
        except OSError as error:
            if not is_no_space(error):
                log.warning("imaging of one accession failed: %s", type(error).__name__)  # its text may hold a name
                raise ImagingExcluded(Exclusion.INTERNAL_ERROR) from None
            raise _Wait(DISK_FULL) from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _pull(self, project_id: UUID, accession: str, key: str, raw: Path) -> None:
        part = raw.with_name("part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            with self._limits.pulling() as spend:
                study = find_one(self.driver, accession)
                self._ledger.record(project_id, key, ImagingStage.FOUND, count=study.instances)
                pulled = pull_whole(self.driver, study, part, spend)
        except PacsFault as found:
            if found.fault.waits:
                raise _Wait(found.fault.value) from None
            log.warning("a pull from the imaging archive failed: %s", found.fault.value)
            raise _Again(Exclusion.PULL_FAILED) from None
        except Incomplete:
            raise _Again(Exclusion.INSTANCES_MISSING) from None
        except (AccessionNotFound, ImagingExcluded, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - each archive fails in its own way, and says so in its own words
            log.warning("a pull from the imaging archive failed: %s", type(error).__name__)
            raise _Again(Exclusion.PULL_FAILED) from None
        part.rename(raw)
        self._ledger.record(project_id, key, ImagingStage.PULLED, count=pulled.instances)

    def _make_room(self, project_id: UUID) -> None:
        """Before a study is begun; afterwards it would have to be thrown away."""
        cache = self.cache
        if cache.limit and cache.total() >= cache.limit:
            cache.evict(1, keep=project_id)
            if cache.total() >= cache.limit:
                raise _Wait(CACHE_FULL)
        if shutil.disk_usage(cache.folder).free < self._patience.least_free:
            raise _Wait(DISK_FULL)

    def _images(self, project_id: UUID, key: str) -> int:
        return sum(1 for _ in self.cache.place(project_id, key).glob("input_*.nii.gz"))

    # --- the end of a project, and a new beginning ---
    def scratch_of(self, project_id: UUID) -> list[Path]:
        return list((self.cache.folder / str(project_id)).glob(f"{_SCRATCH}*"))

    def _sweep(self) -> None:
        """Remove what a killed process left half done. A whole pull stays if its accession still waits for it."""
        for left_over in self.cache.folder.glob(f"*/{_SCRATCH}*"):
            key = left_over.name.removeprefix(_SCRATCH)
            try:
                with self._locks.held(key, wait=False):
                    known = self._ledger.stage_of(UUID(left_over.parent.name), key)
                    if not ((left_over / "raw").is_dir() and known and known[0] in _HAS_RAW):
                        shutil.rmtree(left_over, ignore_errors=True)
            except BlockingIOError:
                continue  # somebody alive is working in it

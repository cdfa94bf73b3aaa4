"""Processes that prepare studies: hostile files are decoded outside the agent, and both cores have work.

One process per slot, so that a crash of a native decoder names its study. A process is forked from a clean server with
the libraries loaded, serves a few dozen studies (memory stays flat), and dies with the agent.
"""

import ctypes
import errno
import os
import queue
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from uuid import UUID

from flip_contracts.statuses import ImagingStage
from flip_trust.imaging.cache import CachedFile, measured
from flip_trust.imaging.errors import ImagingExcluded
from flip_trust.imaging.ledger import Ledger
from flip_trust.imaging.plan import StudyPlan

_PR_SET_PDEATHSIG = 1
_STUDIES = 40  # of one process
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class Order:
    """`ledger`: where the process writes down how far it is."""

    project_id: UUID
    key: str
    accession_id: str
    project_key: bytes
    plan: StudyPlan
    raw: Path
    out: Path
    ledger: Path


@dataclass(frozen=True)
class Prepared:
    """Exactly one of: NIfTI images with their files, a reason of exclusion, a full disk, the class of a bug."""

    images: int = 0
    files: tuple[CachedFile, ...] = ()
    reason: str = ""
    disk_full: bool = False
    bug: str = ""


def is_no_space(error: BaseException | None) -> bool:
    """Libraries wrap what the disk said in errors of their own."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            return True
        error = error.__cause__ or error.__context__
    return False


class Workers:
    def __init__(self, count: int):
        self._count = count
        self._free: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(_Slot())

    def prepare(self, order: Order) -> Prepared:
        """Waits for a free process."""
        slot = self._free.get()
        try:
            return slot.run(order)
        finally:
            self._free.put(slot)

    def close(self) -> None:
        for slot in [self._free.get() for _ in range(self._count)]:
            slot.close()
            self._free.put(slot)


class _Slot:
    """One process at a time, from the first study on. (`max_tasks_per_child` can hang: CPython issue 115634.)"""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._left = 0

    def run(self, order: Order) -> Prepared:
        if self._pool is None or self._left <= 0:
            self.close()
            context = get_context("forkserver")
            context.set_forkserver_preload(["flip_trust.imaging.study", __name__])
            self._pool, self._left = ProcessPoolExecutor(1, context, initializer=_begin), _STUDIES
        self._left -= 1
        try:
            return self._pool.submit(_work, order).result()
        except BrokenProcessPool:
            self._pool = None
            return Prepared(bug="WorkerCrashed")

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _begin() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # with the server that forked us
    # We hold the server's pipe open, so it outlives a killed agent until we end.
    threading.Thread(target=_end_with_the_agent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent, which ends us
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # native decoders print what they complain about, and that belongs to patients
    os.dup2(nowhere, 2)


def _end_with_the_agent() -> None:
    agent = parent_process()
    assert agent is not None
    wait([agent.sentinel])
    os._exit(1)


def _work(order: Order) -> Prepared:
    from flip_trust.imaging.study import prepare_study  # the agent itself never loads the imaging libraries

    ledger = Ledger(order.ledger)

    def reached(stage: ImagingStage) -> None:
        files = "dicom/*" if stage == ImagingStage.DEIDENTIFIED else "input_*.nii.gz"
        ledger.record(order.project_id, order.key, stage, count=sum(1 for _ in order.out.glob(files)))

    try:
        prepare_study(order.raw, order.accession_id, order.out, order.project_key, order.plan, reached)
        images = sum(1 for _ in order.out.glob("input_*.nii.gz"))
        return Prepared(images=images, files=tuple(measured(order.out)))
    except ImagingExcluded as excluded:
        return Prepared(reason=excluded.reason.value)
    except OSError as error:
        return Prepared(disk_full=True) if is_no_space(error) else Prepared(bug=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - one bad study must not end the process; its text may hold a name
        return Prepared(bug=type(error).__name__)
    finally:
        ledger.close()

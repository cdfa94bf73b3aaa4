"""The ledger of a project with 10,000 accessions: what its pages and the message to the hub cost."""

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from flip_contracts.statuses import ImagingStage
from flip_trust.disclosure.ledger import imaging_message
from flip_trust.disclosure.policy import Policy
from flip_trust.imaging.errors import Exclusion
from flip_trust.imaging.ledger import Ledger

PROJECT, COUNT = UUID(int=10), 10_000


def measure() -> None:
    with tempfile.TemporaryDirectory() as name:
        ledger = Ledger(Path(name) / "ledger.db")
        keys = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(COUNT)]
        start = time.perf_counter()
        ledger.request(PROJECT, keys)
        print(f"\nledger of {COUNT:,} accessions: entered in {time.perf_counter() - start:.2f} s")
        stages, reasons = list(ImagingStage), list(Exclusion)
        start = time.perf_counter()
        for number, key in enumerate(keys):
            stage = stages[number % len(stages)]
            ledger.record(PROJECT, key, stage, reasons[number % len(reasons)] if stage == "EXCLUDED" else "", 1)
        print(f"  a stage recorded, mean                {(time.perf_counter() - start) / COUNT * 1e3:8.2f} ms")
        owners, policy = {key: number for number, key in enumerate(keys)}, Policy()

        def message() -> None:
            imaging_message(PROJECT, ledger.standings(PROJECT), owners, final=False, policy=policy, key=b"k" * 32)

        _p95("counts by stage and reason", lambda: ledger.counts(PROJECT))
        _p95("a page of 100", lambda: ledger.page(PROJECT, after=keys[5000]))
        _p95("a page of 100 excluded", lambda: ledger.page(PROJECT, stage=ImagingStage.EXCLUDED))
        _p95("the message to the hub", message)
        ledger.close()


def _p95(name: str, what: Callable[[], Any]) -> None:
    took: list[float] = []
    for _ in range(100):
        start = time.perf_counter()
        what()
        took.append((time.perf_counter() - start) * 1e3)
    print(f"  {name:<38}{statistics.quantiles(took, n=20)[18]:8.2f} ms p95")

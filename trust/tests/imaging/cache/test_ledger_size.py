"""Ten thousand accessions: pages come in order and whole, counts are right, history is bounded."""

import hashlib
import sqlite3
from uuid import UUID

from flip_contracts.statuses import ImagingStage
from flip_trust.imaging.ledger import Ledger

PROJECT = UUID(int=7)
KEYS = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(10_000)]


def test_ten_thousand_accessions(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.request(PROJECT, KEYS)
    ledger.request(PROJECT, KEYS)
    for key in KEYS[:30]:
        ledger.record(PROJECT, key, ImagingStage.READY, count=1)
    for key in KEYS[30:50]:
        ledger.record(PROJECT, key, ImagingStage.EXCLUDED, "geometry_invalid")
    assert ledger.counts(PROJECT) == ({"READY": 30, "EXCLUDED": 20, "REQUESTED": 9950}, {"geometry_invalid": 20}, False)
    seen, after = [], ""
    while page := ledger.page(PROJECT, after=after, limit=997):
        seen += [key for key, _, _ in page]
        after = seen[-1]
    assert seen == sorted(KEYS)
    assert {k for k, _, _ in ledger.page(PROJECT, stage=ImagingStage.EXCLUDED)} == set(KEYS[30:50])
    ledger.close()


def test_the_history_of_one_accession_is_bounded(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    for number in range(200):
        ledger.record(PROJECT, KEYS[0], ImagingStage.FOUND, count=number)
    steps = ledger.steps(PROJECT, KEYS[0])
    assert (len(steps), steps[-1].count) == (50, 199)
    ledger.close()


def test_waiting_is_news_once(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    assert [ledger.wait_for(PROJECT, code) for code in ("disk_full", "disk_full", "pacs_busy", "", "")] == [
        True,
        False,
        True,
        True,
        False,
    ]
    ledger.close()


def test_a_ledger_of_an_older_version_is_read(tmp_path):
    old = sqlite3.connect(tmp_path / "ledger.db")
    old.execute(
        "CREATE TABLE accession (project_id TEXT NOT NULL, accession_key TEXT NOT NULL, stage TEXT NOT NULL, "
        "reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (project_id, accession_key)) WITHOUT ROWID"
    )
    old.execute("INSERT INTO accession VALUES (?, ?, 'READY', '')", (str(PROJECT), KEYS[0]))
    old.commit()
    old.close()
    ledger = Ledger(tmp_path / "ledger.db")
    assert ledger.stage_of(PROJECT, KEYS[0]) == (ImagingStage.READY, "")
    ledger.close()

"""What left: the chain, that a changed byte is found and named, the exports."""

import csv
import json
import sqlite3
import threading
from datetime import UTC, datetime, timedelta

import pytest

from flip_trust.ledger.export import as_csv, as_fhir
from flip_trust.ledger.verify import verify
from flip_trust.ledger.what_left import REFUSED, SENT, Entry, WhatLeft

RUN = "00000000-0000-4000-8000-000000000001"


def entry(number: int, **changes) -> Entry:
    given = {"subject": f"m{number}", "bytes": number, "sha256": f"{number:064x}", "project_id": "p", "run_id": RUN}
    return Entry(SENT, "metrics", **(given | changes))


@pytest.fixture
def ledger(tmp_path):
    made = WhatLeft(tmp_path / "ledger" / "what-left.db")
    yield made
    made.close()


@pytest.fixture
def filled(ledger):
    ledger.record(entry(n) for n in range(1, 41))
    ledger.record([Entry(REFUSED, "task: join_run", code="manifest_too_old", text="No.", project_id="p")])
    return ledger


def test_what_is_recorded_is_read_and_verifies(filled):
    found = verify(filled.path)
    assert (found.entries, found.problems) == (41, [])
    newest = filled.entries(limit=2, newest_first=True)
    assert [e.seq for e in newest] == [41, 40]
    assert (newest[0].outcome, newest[0].code) == ("refused", "manifest_too_old")
    assert [e.seq for e in filled.entries(after=40, newest_first=True, limit=2)] == [39, 38]
    assert [e.seq for e in filled.entries(outcome="refused")] == [41]
    assert len(list(filled.everything(run_id=RUN))) == 40
    assert filled.entries(since=datetime.now(UTC) + timedelta(minutes=1)) == []
    assert filled.kinds() == ["metrics", "task: join_run"]
    assert filled.path.stat().st_mode & 0o777 == 0o600


def test_a_message_that_is_sent_again_is_one_entry(ledger):
    ledger.record([entry(1)])
    ledger.record([entry(1), entry(2)])
    assert [e.subject for e in ledger.entries()] == ["m1", "m2"]


def test_entries_cannot_be_changed_or_taken_away_by_sql(filled):
    with sqlite3.connect(filled.path) as db:
        for statement in ("UPDATE entries SET bytes = 0", "DELETE FROM entries WHERE seq = 41"):
            with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                db.execute(statement)
    db.close()


def test_each_flipped_byte_of_an_entry_is_found_and_its_place_is_named(filled):
    """In the file itself, byte by byte over one entry: its time, its hash of what was sent, its own hash."""
    filled.close()
    whole = filled.path.read_bytes()
    at = whole.index(f"{17:064x}".encode())
    for place in range(at - 8, at + 64, 3):
        broken = bytearray(whole)
        broken[place] ^= 0x01
        filled.path.write_bytes(broken)
        problems = verify(filled.path).problems
        assert problems, place
        assert any("17" in p or "damaged" in p for p in problems), (place, problems)
    filled.path.write_bytes(whole)
    assert verify(filled.path).problems == []


def test_an_entry_that_is_missing_added_or_cut_off_is_named(filled):
    def problems_after(*statements: str) -> str:
        whole = filled.path.read_bytes()
        with sqlite3.connect(filled.path) as db:
            db.executescript("DROP TRIGGER entries_stay; DROP TRIGGER entries_are_kept; " + "; ".join(statements))
        db.close()
        found = verify(filled.path).problems
        filled.path.write_bytes(whole)
        return "; ".join(found)

    filled.close()
    assert "entry 20 is missing" in problems_after("DELETE FROM entries WHERE seq = 20")
    assert "entry 7 " in problems_after("UPDATE entries SET code = 'other' WHERE seq = 7")
    assert "entry 41 is cut off" in problems_after("DELETE FROM entries WHERE seq > 38")
    copied = (
        "INSERT INTO entries SELECT 42, at, outcome, kind, '', bytes, sha256, project_id, run_id, approved_by, code,"
    )
    assert "entry 42 " in problems_after(f"{copied} text, hash FROM entries WHERE seq = 41")
    assert "entry 5 " in problems_after(
        "UPDATE entries SET seq = -1 WHERE seq = 5", "UPDATE entries SET seq = 5 WHERE seq = 6"
    )


def test_somebody_who_writes_the_whole_file_anew_is_found_by_a_noted_anchor(filled, tmp_path):
    before = verify(filled.path)
    other = WhatLeft(tmp_path / "other" / "what-left.db")
    other.record(entry(n, bytes=1) for n in range(1, 60))
    other.close()
    assert verify(other.path).problems == []
    assert verify(other.path, (before.entries, before.head)).problems == ["entry 41 is another one than was noted"]
    assert verify(filled.path, (before.entries, before.head)).problems == []


def test_two_writers_make_one_chain(ledger):
    other = WhatLeft(ledger.path)

    def write(to: WhatLeft, first: int) -> None:
        for n in range(first, first + 20):
            to.record([entry(n)])

    threads = [threading.Thread(target=write, args=(to, first)) for to, first in ((ledger, 100), (other, 200))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert (verify(ledger.path).entries, verify(ledger.path).problems) == (40, [])


def test_the_csv_has_every_entry_and_no_formula(filled):
    filled.record([Entry(REFUSED, "x", text="=cmd|' /C calc'!A0")])
    rows = list(csv.DictReader(as_csv(filled.everything())))
    assert len(rows) == 42
    assert rows[0]["sha256"] == f"{1:064x}"
    assert rows[-1]["text"] == "'=cmd|' /C calc'!A0"


def test_the_fhir_export_is_valid_r4(filled):
    fhir = pytest.importorskip("fhir.resources.R4B.auditevent", reason="fhir.resources is not installed")
    filled.record([entry(50, approved_by="Dr Example", code="x", text="why")])
    lines = list(as_fhir(filled.everything(), "trust-alpha"))
    assert len(lines) == 42
    for line in lines:
        event = fhir.AuditEvent.model_validate(json.loads(line))
        assert event.recorded is not None
    last = json.loads(lines[-1])
    assert {d["type"]: d["valueString"] for d in last["entity"][0]["detail"]}["sha256"] == f"{50:064x}"
    assert "Dr Example" in [agent["who"]["display"] for agent in last["agent"]]

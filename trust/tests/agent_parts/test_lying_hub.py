"""A hub in wrong hands: whatever it sends is refused here, and stands in this trust's own ledger."""

import hashlib
import sqlite3
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flip_contracts.messages import ProjectDecision
from flip_contracts.statuses import Decision
from flip_contracts.tasks import CohortCount, JoinRun, LeaveRun, StartNode
from flip_trust.errors import HubUnreachable
from flip_trust.heartbeat import heartbeat
from flip_trust.ledger.verify import verify


@pytest.fixture
def refused(site):
    """Codes of the refusals in the ledger since the last look."""
    seen = [0]

    def look() -> list[str]:
        entries = site.agent.what_left.entries(after=seen[0], limit=1000, outcome="refused")
        seen[0] = max([seen[0], *(e.seq for e in entries)])
        return [e.code for e in entries]

    return look


def test_a_forged_approval(site, refused):
    review = site.review()
    made = ProjectDecision(
        project_id=review.project_id,
        query_id=review.query_id,
        trust=site.name,
        decision=Decision.APPROVED,
        sql_sha256="0" * 64,
        decided_at=datetime.now(UTC),
    )
    site.agent.store.put_decision(made, "AAAA")  # as if it had come in by some way
    assert site.code(site.join(review)) == "project_not_approved"
    assert refused() == ["project_not_approved"]


def test_other_sql_after_the_approval(site, refused):
    review = site.approved()
    changed = review.model_copy(update={"sql": "SELECT person_id FROM omop.person"})
    assert site.do(changed)["error"] is None  # the same query id: it is not taken over
    assert site.agent.store.project(review.project_id).review.sql == review.sql
    changed = changed.model_copy(update={"query_id": uuid4()})
    site.do(changed)  # another id: undecided again
    assert site.code(site.join(changed)) == "project_not_approved"
    assert site.code(site.join(review)) == "project_not_approved"
    assert refused() == ["project_not_approved"] * 2


def test_another_app_than_the_manifest_said(site, refused):
    review = site.approved()
    join = site.join(review)
    assert site.code(join) is None
    other = site.join(review, run_id=join.signed.manifest.run_id, fab_sha256="1" * 64)
    assert site.code(other) == "manifest_replayed"
    unsigned = join.signed.manifest.model_copy(update={"fab_sha256": "1" * 64})
    assert (
        site.code(JoinRun(signed=join.signed.model_copy(update={"manifest": unsigned}))) == "manifest_signature_invalid"
    )
    assert site.code(site.join(review, key=Ed25519PrivateKey.generate())) == "manifest_signature_invalid"
    assert refused() == ["manifest_replayed", "manifest_signature_invalid", "manifest_signature_invalid"]
    (run,) = site.agent.store.open_runs()
    assert run.manifest.fab_sha256 == "0" * 64  # the SuperNode compares the bundle with this one


def test_tasks_and_manifests_that_were_kept_and_are_sent_again(site, refused):
    review = site.approved()
    join = site.join(review)
    task = site.task(join)
    site.agent.run_task(task)
    site.agent.run_task(task)
    assert refused() == ["task_repeated"]
    run_id = join.signed.manifest.run_id
    assert site.code(LeaveRun(run_id=run_id)) is None
    assert site.code(join) == "run_unknown"  # a run id is good once
    assert site.code(StartNode(run_id=run_id)) == "run_unknown"
    for issued in (timedelta(hours=25), -timedelta(hours=1)):
        assert site.code(site.join(review, issued_at=datetime.now(UTC) - issued)) == "manifest_too_old"
    assert site.code(site.join(review, issued_at=datetime(2026, 1, 1))) == "manifest_too_old"
    assert refused() == ["run_unknown"] * 2 + ["manifest_too_old"] * 3


def test_no_message_of_the_hub_can_lower_the_threshold(site):
    few = "SELECT person_id FROM omop.person WHERE month_of_birth = 5 AND year_of_birth BETWEEN 1970 AND 1974"
    asked = CohortCount.model_validate(
        {"query_id": uuid4(), "project_id": uuid4(), "sql": few, "threshold": 1, "round_to": 1, "tell_zero": True}
    )
    result = site.do(asked)["result"]
    assert (result["suppressed"], result["persons"], result["threshold"]) == (True, None, 10)
    before = site.agent.rules.current
    site.do(site.join(site.approved(), limits={"wall_seconds": 10**9, "memory_bytes": 10**15, "processes": 10**6}))
    assert site.agent.rules.current == before
    limited = site.agent.authority.limited(site.agent.store.open_runs()[0].manifest).limits
    own = before.runs
    assert (limited.wall_seconds, limited.memory_bytes, limited.processes) == (
        own.wall_seconds,
        own.memory_bytes,
        own.processes,
    )


def test_another_projects_token_at_the_data_api(site, refused):
    mine, other = site.approved(), site.approved()
    api = site.api(site.live(mine))
    accession = site.agent.store.cohort(other.project_id).values("accession_id")[0]
    theirs = {"project_id": str(other.project_id)}
    assert api.get("/data/v1/cohort", params=theirs).json()["code"] == "not_approved"
    image = {**theirs, "accession_id": accession, "resource_types": ["NIFTI"]}
    assert api.post("/data/v1/images", json=image).json()["code"] == "not_approved"
    nobody = api.get("/data/v1/cohort", params=theirs, headers={"authorization": "Bearer guess"})
    assert nobody.json()["code"] == "token_refused"
    assert refused() == ["not_approved", "token_refused"]  # the same run and code: once a minute
    (entry, *_) = site.agent.what_left.entries(outcome="refused")
    assert (entry.project_id, entry.kind) == (str(mine.project_id), "data API")


def test_everything_that_is_sent_stands_in_the_ledger_before_it_leaves(site):
    """A hub that takes messages and says nothing: they are in the ledger by their very bytes."""
    review = site.approved(conditions="c", decided_by="Dr A")
    site.do(site.join(review))
    site.do(site.join(review, trusts=["trust-beta"]))
    waiting = site.agent.store.messages(1000)

    class Hub:
        sent: list[str] = []

        def send(self, messages):
            kept = {e.sha256 for e in site.agent.what_left.entries(limit=1000, outcome="sent")}
            assert {hashlib.sha256(m.encode()).hexdigest() for m in messages} <= kept
            self.sent += messages
            raise ConnectionError

    with pytest.raises(ConnectionError):
        site.agent.outbox.flush(Hub())
    with pytest.raises(ConnectionError):  # the second try of the same messages
        site.agent.outbox.flush(Hub())
    sent = site.agent.what_left.entries(limit=1000, outcome="sent")
    assert [e.subject for e in sent] == [message_id for message_id, _ in waiting]
    assert [e.bytes for e in sent] == [len(text.encode()) for _, text in waiting]
    assert {e.kind for e in sent} == {"answer: review_project", "decision", "answer: join_run"}
    assert {e.approved_by for e in sent} == {"Dr A"}
    assert {e.project_id for e in sent} == {str(review.project_id)}
    assert verify(site.agent.what_left.path).problems == []


def test_where_the_ledger_cannot_be_written_nothing_leaves_and_nothing_is_lost(site, monkeypatch):
    site.approved()
    waiting = site.agent.store.messages(1000)

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    class Hub:
        def send(self, _):
            raise AssertionError("it must not be sent")

    with monkeypatch.context() as patched:
        patched.setattr(site.agent.what_left, "record", full)
        with pytest.raises(HubUnreachable):  # as if the hub were away: it is tried again
            site.agent.outbox.flush(Hub())
        patched.setattr("flip_trust.ledger.witness.WhatLeft.record", full)
        with pytest.raises(HubUnreachable):
            site.agent._hub().heartbeat(heartbeat(site.agent))
    assert site.agent.store.messages(1000) == waiting

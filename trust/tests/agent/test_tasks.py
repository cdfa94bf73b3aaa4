"""What the hub may ask, and what the trust answers."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from flip_contracts.manifest import SignedManifest
from flip_contracts.tasks import CohortCount, JoinRun, LeaveRun, StartNode
from flip_trust.errors import TrustError
from flip_trust.synthetic import demo_query


def count(sql: str) -> CohortCount:
    return CohortCount(query_id=uuid4(), project_id=uuid4(), sql=sql)


def test_a_cohort_is_counted_rounded(site):
    answer = site.do(count(demo_query()))
    assert answer["error"] is None
    assert answer["result"]["persons"] in (10, 20)
    assert not answer["result"]["suppressed"]


def test_a_small_cohort_is_suppressed_and_cannot_be_approved(site):
    sql = demo_query() + " AND p.year_of_birth > 2015"
    told = site.do(count(sql))["result"]
    assert told["suppressed"]
    assert (told["persons"], told["accessions"], told["rows"], told["columns"]) == (None, None, None, [])
    review = site.review(sql)
    site.do(review)
    with pytest.raises(TrustError) as refusal:
        site.agent.approvals.approve(review.project_id)
    assert refusal.value.code == "cohort_too_small"


def test_refused_sql_is_answered_with_its_place(site):
    error = site.do(count("SELECT person_id FROM WHERE"))["error"]
    assert error["code"] == "sql_syntax"


def test_a_task_that_comes_twice_is_answered_once(site):
    asked = site.task(count(demo_query()))
    site.agent.run_task(asked)
    site.agent.run_task(asked)
    assert len(site.agent.store.messages(10)) == 1


def test_an_approved_run_is_joined_with_a_key_of_its_own_the_same_when_asked_again(site, hub):
    review = site.approved()
    join, other = hub.join(review), hub.join(review)
    first, again, second = (site.do(j)["result"]["public_key"] for j in (join, join, other))
    assert first == again != second
    assert first.startswith("ecdsa-sha2-nistp384 ")
    folder = site.agent.supervisor.folder(join.signed.manifest.run_id)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "node.key").stat().st_mode & 0o777 == 0o600


def test_a_forged_manifest_is_refused(site, hub):
    signed = hub.join(site.approved()).signed
    forged = signed.manifest.model_copy(update={"fab_sha256": "1" * 64})
    answer = site.do(JoinRun(signed=SignedManifest(manifest=forged, signature=signed.signature)))
    assert answer["error"]["code"] == "manifest_signature_invalid"


def test_foreign_projects_queries_and_trusts_are_refused(site, hub):
    review = site.approved()
    codes = [
        site.do(hub.join(review, **changes))["error"]["code"]
        for changes in ({"project_id": uuid4()}, {"query_id": uuid4()}, {"trusts": ["trust-beta"]})
    ]
    assert codes == ["project_not_approved", "cohort_changed", "trust_not_in_manifest"]


def test_an_undecided_a_withdrawn_and_an_expired_approval_are_refused(site, hub):
    pending, withdrawn, expired = site.review(), site.approved(), site.approved(expires_days=1)
    site.do(pending)
    site.agent.approvals.withdraw(withdrawn.project_id)
    made = site.agent.store.project(expired.project_id).signed
    past = made.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    site.agent.store.put_decision(past, site.agent.key.sign(past))
    for review in (pending, withdrawn, expired):
        assert site.do(hub.join(review))["error"]["code"] == "project_not_approved"


def test_a_decision_changed_in_the_store_is_worth_nothing(site, hub):
    review = site.approved(expires_days=1)
    row = site.agent.store.project(review.project_id)
    site.agent.store.put_decision(row.signed.model_copy(update={"expires_at": None}), row.signature)
    assert site.do(hub.join(review))["error"]["code"] == "project_not_approved"


def test_a_project_staged_again_with_another_query_is_undecided_again(site):
    review = site.approved()
    site.do(review)
    assert site.agent.store.project(review.project_id).decision == "APPROVED"
    site.do(review.model_copy(update={"query_id": uuid4()}))
    assert site.agent.store.project(review.project_id).decision == "PENDING"


def test_a_run_that_was_not_joined_is_not_started_and_can_be_left(site):
    assert site.do(StartNode(run_id=uuid4()))["error"]["code"] == "run_unknown"
    assert site.do(LeaveRun(run_id=uuid4()))["error"] is None

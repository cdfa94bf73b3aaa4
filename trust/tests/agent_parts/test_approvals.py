"""The trust's own decisions: what is frozen, what is signed, and what is worth nothing."""

import sqlite3
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from flip_contracts.messages import DecisionMessage, ProjectDecision
from flip_contracts.statuses import Decision
from flip_trust.errors import CohortTooSmall, DecisionImpossible, NotApproved, ProjectUnknown
from flip_trust.keys import TrustKey, is_signed_by

TINY = "SELECT person_id FROM omop.person WHERE year_of_birth > 2022"


@pytest.fixture
def tamper(agent):
    """Change the store as somebody with the file would: by another connection."""

    def execute(sql: str, *values: str) -> None:
        with sqlite3.connect(agent.settings.data_dir / "agent.db", timeout=10) as db:
            assert db.execute(sql, values).rowcount == 1
        db.close()

    return execute


def test_an_approval_freezes_the_cohort_and_its_signature_is_the_trusts(site, hospital):
    review = site.review()
    before = datetime.now(UTC)
    assert site.agent.approvals.approve(review.project_id, "only for spleens", expires_days=30) == 12

    cohort = site.agent.store.cohort(review.project_id)
    assert sorted(cohort.values("accession_id")) == sorted(a for a, _, _ in hospital.accessions)
    assert dict(cohort.columns)["image_occurrence_date"] == "date"

    (told,) = site.outbox("decision")
    message = DecisionMessage.model_validate(told)
    made = message.decision
    assert is_signed_by(site.agent.key.public, made, message.signature)
    assert not is_signed_by(site.agent.key.public, made.model_copy(update={"conditions": ""}), message.signature)
    assert (made.project_id, made.query_id, made.trust) == (review.project_id, review.query_id, site.name)
    assert (made.decision, made.conditions) == ("APPROVED", "only for spleens")
    assert before <= made.decided_at
    assert made.expires_at - made.decided_at == timedelta(days=30)
    assert site.agent.approvals.valid(review.project_id).review == review


def test_what_the_database_says_later_does_not_change_a_frozen_cohort(site, answers):
    review = site.approved()
    frozen = site.agent.store.cohort(review.project_id)
    known = dict(answers)
    try:
        for place in [p for p in answers if p[1] == "rows"]:
            answers[place] = {"columns": [["person_id", "int64"]], "rows": [[1]]}
        site.do(review)  # a repeat of the review
        assert site.agent.store.cohort(review.project_id) == frozen
    finally:
        answers.clear()
        answers.update(known)


@pytest.mark.parametrize(
    ("sql", "imaging", "error"),
    [
        (TINY, False, CohortTooSmall),
        ("DROP TABLE omop.person", False, DecisionImpossible),
        ("SELECT person_id FROM omop.person", True, DecisionImpossible),  # imaging without accessions
    ],
)
def test_a_cohort_that_is_too_small_or_wrong_is_refused_and_nothing_is_stored(site, sql, imaging, error):
    review = site.review(sql, imaging)
    with pytest.raises(error):
        site.agent.approvals.approve(review.project_id)
    row = site.agent.store.project(review.project_id)
    assert (row.decision, row.signed, row.signature) == ("PENDING", None, "")
    assert site.agent.store.cohort(review.project_id) is None
    assert site.outbox("decision") == []
    with pytest.raises(NotApproved):
        site.agent.approvals.valid(review.project_id)


def test_a_failure_while_deciding_leaves_neither_cohort_nor_message(site, monkeypatch):
    review = site.review()
    put_message = site.agent.store.put_message

    def fail(*_):
        put_message(uuid4(), '{"kind": "half done"}')
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(site.agent.store, "put_message", fail)
        with pytest.raises(OSError, match="disk full"):
            site.agent.approvals.approve(review.project_id)
    assert site.agent.store.cohort(review.project_id) is None
    assert site.agent.store.project(review.project_id).decision == "PENDING"
    assert site.outbox("half done") == []


def test_a_pending_project_can_be_declined_once_and_not_withdrawn(site):
    review, approvals = site.review(), site.agent.approvals
    with pytest.raises(DecisionImpossible):
        approvals.withdraw(review.project_id)
    approvals.decline(review.project_id)
    with pytest.raises(DecisionImpossible):
        approvals.decline(review.project_id)
    with pytest.raises(DecisionImpossible):
        approvals.withdraw(review.project_id)
    with pytest.raises(NotApproved):
        approvals.valid(review.project_id)
    assert [m["decision"]["decision"] for m in site.outbox("decision")] == ["DECLINED"]


def test_an_approved_project_can_be_withdrawn_and_then_approved_anew(site):
    review, approvals = site.approved(), site.agent.approvals
    for impossible in (approvals.approve, approvals.decline):
        with pytest.raises(DecisionImpossible):
            impossible(review.project_id)
    approvals.withdraw(review.project_id)
    with pytest.raises(NotApproved):
        approvals.valid(review.project_id)
    approvals.approve(review.project_id)
    assert approvals.valid(review.project_id)
    told = [DecisionMessage.model_validate(m) for m in site.outbox("decision")]
    assert [m.decision.decision for m in told] == ["APPROVED", "WITHDRAWN", "APPROVED"]
    assert all(is_signed_by(site.agent.key.public, m.decision, m.signature) for m in told)


def test_a_project_that_nobody_asked_about_cannot_be_decided(site):
    for decide in (site.agent.approvals.approve, site.agent.approvals.decline, site.agent.approvals.withdraw):
        with pytest.raises(ProjectUnknown):
            decide(uuid4())


def test_an_expired_approval_is_not_valid_although_its_signature_is(site):
    review = site.approved(expires_days=1)
    made = site.agent.store.project(review.project_id).signed
    past = made.model_copy(update={"expires_at": datetime.now(UTC)})
    site.agent.store.put_decision(past, site.agent.key.sign(past))
    with pytest.raises(NotApproved):
        site.agent.approvals.valid(review.project_id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_at", None),
        ("expires_at", "2999-01-01T00:00:00Z"),
        ("conditions", "none"),
        ("query_id", str(UUID(int=7))),
    ],
)
def test_a_stored_decision_with_a_changed_field_is_not_valid(site, tamper, field, value):
    review = site.approved(conditions="c", expires_days=1)
    site.agent.approvals.valid(review.project_id)
    stored = site.agent.store.project(review.project_id).signed.model_dump(mode="json")
    changed = ProjectDecision.model_validate(stored | {field: value}).model_dump_json()
    tamper("UPDATE projects SET signed = ? WHERE project_id = ?", changed, str(review.project_id))
    with pytest.raises(NotApproved):
        site.agent.approvals.valid(review.project_id)


def test_a_withdrawn_or_declined_decision_cannot_be_turned_into_an_approval(site, tamper):
    withdrawn, declined = site.approved(), site.review()
    site.agent.approvals.withdraw(withdrawn.project_id)
    site.agent.approvals.decline(declined.project_id)
    for review in (withdrawn, declined):
        project_id = str(review.project_id)
        tamper("UPDATE projects SET decision = 'APPROVED' WHERE project_id = ?", project_id)
        with pytest.raises(NotApproved):  # the column alone
            site.agent.approvals.valid(review.project_id)
        made = site.agent.store.project(review.project_id).signed.model_copy(update={"decision": Decision.APPROVED})
        tamper("UPDATE projects SET signed = ? WHERE project_id = ?", made.model_dump_json(), project_id)
        with pytest.raises(NotApproved):  # and the decision, under the old signature
            site.agent.approvals.valid(review.project_id)


def test_an_approval_does_not_cover_other_sql_another_project_or_another_key(site, tamper, tmp_path):
    changed, donor, receiver, foreign = site.approved(), site.approved(), site.review(), site.approved()
    other_sql = changed.model_copy(update={"sql": "SELECT person_id FROM omop.person"}).model_dump_json()
    tamper("UPDATE projects SET review = ? WHERE project_id = ?", other_sql, str(changed.project_id))

    given = site.agent.store.project(donor.project_id)
    tamper(
        "UPDATE projects SET decision = 'APPROVED', signed = ?, signature = ? WHERE project_id = ?",
        given.signed.model_dump_json(),
        given.signature,
        str(receiver.project_id),
    )

    made = site.agent.store.project(foreign.project_id).signed
    site.agent.store.put_decision(made, TrustKey(tmp_path / "other.pem").sign(made))
    for review in (changed, receiver, foreign):
        with pytest.raises(NotApproved):
            site.agent.approvals.valid(review.project_id)
    assert site.agent.approvals.valid(donor.project_id)


def test_an_approval_for_zero_days_does_not_hold_for_ever(site):
    review = site.review()
    try:
        site.agent.approvals.approve(review.project_id, expires_days=0)
    except DecisionImpossible:
        return
    assert site.agent.store.project(review.project_id).signed.expires_at is not None

"""What the hub may ask, and what the trust answers."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flip_contracts.tasks import CohortCount, CohortCountResult, JoinRun, JoinRunResult, LeaveRun, StartNode


def count(sql: str) -> CohortCount:
    return CohortCount(query_id=uuid4(), project_id=uuid4(), sql=sql)


def test_a_cohort_count_answers_rounded_aggregates(site):
    answer = site.do(count("SELECT person_id, gender_concept_id, year_of_birth FROM omop.person"))
    assert answer["error"] is None
    result = CohortCountResult.model_validate(answer["result"])
    assert (result.persons, result.suppressed, result.threshold, result.rounded_to) == (300, False, 10, 10)
    assert [column.name for column in result.columns] == ["gender_concept_id", "year_of_birth"]
    counts = [cell.count for column in result.columns for cell in column.cells]
    assert any(counts)
    assert all(c is None or c % 10 == 0 for c in counts)
    assert site.do(count(site.demo_query()))["result"]["persons"] in (10, 20)  # they are 12


def test_a_cohort_below_the_threshold_looks_like_an_empty_one(site):
    born = "SELECT person_id FROM omop.person WHERE month_of_birth = 5 AND year_of_birth"
    few, none = (site.do(count(f"{born} {years}"))["result"] for years in ("BETWEEN 1970 AND 1974", "> 2100"))
    assert few == none
    assert (few["persons"], few["suppressed"], few["columns"]) == (None, True, [])


@pytest.mark.parametrize(
    ("sql", "code", "position"),
    [
        ("SELECT person_id FROM", "sql_syntax", [1, 21]),
        ("SELECT person_id\nFROM omop.nobody", "sql_unknown_table", [2, 11]),
        ("SELECT person_id, person_source_value\nFROM omop.person", "sql_unknown_column", [1, 19]),
        ("DROP TABLE omop.person", "sql_node_forbidden", None),
        ("SELECT year_of_birth FROM omop.person", "sql_output_contract", None),
    ],
)
def test_bad_sql_is_answered_with_the_guards_code_and_position(site, sql, code, position):
    answer = site.do(count(sql))
    assert answer["result"] is None
    assert answer["error"]["code"] == code
    if position:
        assert answer["error"]["position"] == position


def test_a_reviewed_project_waits_for_a_decision_and_a_repeat_changes_nothing(site):
    review = site.review()
    assert site.agent.store.project(review.project_id).decision == "PENDING"
    site.agent.approvals.approve(review.project_id)
    assert site.do(review)["error"] is None
    assert site.agent.store.project(review.project_id).decision == "APPROVED"
    assert len(site.agent.store.projects()) == 1


def test_a_forged_signature_is_refused(site):
    review = site.approved()
    signed = site.join(review).signed
    altered = signed.model_copy(update={"manifest": signed.manifest.model_copy(update={"fab_sha256": "1" * 64})})
    assert site.code(JoinRun(signed=altered)) == "manifest_signature_invalid"
    assert site.code(site.join(review, key=Ed25519PrivateKey.generate())) == "manifest_signature_invalid"
    assert (
        site.code(JoinRun(signed=signed.model_copy(update={"signature": "no base64!"}))) == "manifest_signature_invalid"
    )
    assert site.agent.store.open_runs() == []


def test_a_manifest_without_our_name_is_refused(site):
    assert site.code(site.join(site.approved(), trusts=["trust-beta"])) == "trust_not_in_manifest"
    assert site.agent.store.open_runs() == []


def test_a_project_that_is_not_approved_is_refused(site):
    assert site.code(site.join(site.review())) == "project_not_approved"
    assert site.code(site.join(site.approved(), project_id=uuid4())) == "project_not_approved"


def test_an_expired_approval_is_refused_to_join_and_to_start(site):
    review = site.approved(expires_days=1)
    joined = site.join(review)
    assert site.code(joined) is None
    made = site.agent.store.project(review.project_id).signed
    past = made.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    site.agent.store.put_decision(past, site.agent.key.sign(past))
    assert site.code(site.join(review)) == "project_not_approved"
    assert site.code(StartNode(run_id=joined.signed.manifest.run_id)) == "project_not_approved"


def test_a_run_about_another_query_is_refused(site):
    assert site.code(site.join(site.approved(), query_id=uuid4())) == "cohort_changed"


def test_a_repeated_join_gives_the_same_key_and_another_run_another(site):
    review = site.approved()
    join, other = site.join(review), site.join(review)
    first, again, second = (JoinRunResult.model_validate(site.do(j)["result"]).public_key for j in (join, join, other))
    assert first == again != second
    assert first.startswith("ecdsa-sha2-nistp384 ")


def test_a_run_that_is_unknown_or_left_is_not_started(site):
    assert site.code(StartNode(run_id=uuid4())) == "run_unknown"
    assert site.code(LeaveRun(run_id=uuid4())) is None
    join = site.join(site.approved())
    run_id = join.signed.manifest.run_id
    assert [site.code(t) for t in (join, LeaveRun(run_id=run_id), LeaveRun(run_id=run_id))] == [None] * 3
    assert site.code(StartNode(run_id=run_id)) == "run_unknown"


def test_an_unexpected_exception_is_answered_as_internal_without_its_text(site, monkeypatch, caplog):
    def explode(*_):
        raise RuntimeError("secret value CANARY-A-0001")

    monkeypatch.setattr(site.agent.store, "put_review", explode)
    monkeypatch.setattr(site, "demo_query", lambda: "SELECT person_id FROM omop.person")
    with pytest.raises(AssertionError):
        site.review()
    error = site.outbox("task_result")[-1]["error"]
    assert error["code"] == "internal"
    assert "secret" not in str(site.outbox()) + caplog.text
    assert "RuntimeError" in caplog.text


def test_a_task_that_comes_twice_is_answered_once(site):
    asked = site.task(LeaveRun(run_id=uuid4()))
    site.agent.run_task(asked)
    site.agent.run_task(asked)
    assert len(site.outbox("task_result")) == 1

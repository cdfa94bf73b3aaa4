"""Decisions at every use: the frozen cohort as signed, renewal, opt-outs, the policy, and a run that is on."""

import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from flip.protocol import LAYOUT_PACKED
from flip_contracts.messages import DecisionMessage
from flip_contracts.tasks import CloseProject, CohortCount, DecideProject, StartNode
from flip_trust.errors import DecisionImpossible, FrozenCohortChanged, NotApproved, OptOutFileInvalid
from flip_trust.keys import is_signed_by
from flip_trust.optouts.service import read_csv

PERSON_SQL = "SELECT person_id, gender_concept_id FROM omop.person WHERE year_of_birth > 1900"


@pytest.fixture
def policy(site):
    def write(text: str) -> None:
        (site.agent.settings.data_dir / "policy.yaml").write_text(text)

    return write


@pytest.fixture
def tamper(agent):
    def execute(sql: str, *values) -> None:
        with sqlite3.connect(agent.settings.data_dir / "agent.db", timeout=10) as db:
            assert db.execute(sql, values).rowcount == 1
        db.close()

    return execute


def expire(site, review) -> None:
    made = site.agent.store.project(review.project_id).signed
    past = made.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    site.agent.store.put_decision(past, site.agent.key.sign(past))


def ledger(site, **chosen):
    return [(e.kind, e.code) for e in site.agent.what_left.entries(limit=1000, **chosen)]


# --- the frozen cohort is the signed one ---
def test_the_decision_holds_the_hash_of_its_cohort_and_rows_are_served_only_while_it_is_that(site, tamper):
    review = site.approved()
    made = site.agent.store.project(review.project_id).signed
    assert made.cohort_sha256 == site.agent.approvals.frozen.sha256(review.project_id)
    api, project = site.api(site.live(review)), {"project_id": str(review.project_id)}
    accession = api.get("/data/v1/cohort", params=project).json()["rows"][0][0]

    def codes() -> set[str]:
        image = {**project, "accession_id": accession, "resource_types": ["NIFTI"]}
        answers = [
            api.get("/data/v1/cohort", params=project),
            api.get("/data/v1/cohort", params={**project, "layout": LAYOUT_PACKED}),
            api.post("/data/v1/images", json=image),
        ]
        return {a.json().get("code", "") if a.status_code >= 400 else "served" for a in answers[:2]}

    assert codes() == {"served"}
    rows = site.agent.store.one("SELECT rows FROM cohorts")["rows"]
    tamper("UPDATE cohorts SET rows = ?", rows.replace(accession, "CANARY-X-9999"))
    assert "frozen_cohort_changed" in codes()
    tamper("UPDATE cohorts SET rows = ?", rows)
    assert codes() == {"served"}
    body = site.agent.store.one("SELECT body FROM packed_cohorts")["body"]
    tamper("UPDATE packed_cohorts SET body = ?", body.replace(accession.encode(), b"CANARY-X-9999"))
    assert "frozen_cohort_changed" in codes()
    tamper("UPDATE cohorts SET rows = ?", rows.replace(accession, "CANARY-X-9999"))
    with pytest.raises(FrozenCohortChanged):
        site.agent.approvals.renew(review.project_id)
    assert ("data API", "frozen_cohort_changed") in ledger(site, outcome="refused")


def test_a_closed_project_leaves_nothing_of_its_cohort(site):
    review = site.approved()
    assert site.code(CloseProject(project_id=review.project_id)) is None
    for table in ("cohorts", "packed_cohorts", "cohort_owners"):
        assert site.agent.store.all(f"SELECT * FROM {table}") == []


# --- renewal, expiry ---
def test_an_expired_approval_is_renewed_with_its_own_cohort(site):
    review = site.approved(conditions="c", expires_days=1)
    before = site.agent.store.cohort(review.project_id)
    with pytest.raises(DecisionImpossible, match="renew"):
        site.agent.approvals.approve(review.project_id)
    expire(site, review)
    with pytest.raises(NotApproved):
        site.agent.approvals.valid(review.project_id)
    assert site.agent.projects.project(review.project_id, with_size=False).summary.standing == "EXPIRED"
    site.agent.approvals.renew(review.project_id, expires_days=30, decided_by="Dr B")
    made = site.agent.approvals.valid(review.project_id).signed
    assert (made.conditions, made.decided_by) == ("c", "Dr B")
    assert made.expires_at - made.decided_at == timedelta(days=30)
    assert site.agent.store.cohort(review.project_id) == before
    told = DecisionMessage.model_validate(site.outbox("decision")[-1])
    assert is_signed_by(site.agent.key.public, told.decision, told.signature)
    assert [past.decision.decision for past in site.agent.approvals.history(review.project_id)][-1] == "APPROVED"


def test_what_is_no_approval_cannot_be_renewed(site):
    pending, withdrawn = site.review(), site.approved()
    site.agent.approvals.withdraw(withdrawn.project_id)
    for review in (pending, withdrawn):
        with pytest.raises(DecisionImpossible):
            site.agent.approvals.renew(review.project_id)


def test_the_policy_bounds_how_long_an_approval_holds_also_one_from_before(site, policy):
    before = site.approved()
    policy("decisions:\n  longest_days: 30\n")
    review = site.review()
    with pytest.raises(DecisionImpossible, match="30 days"):
        site.agent.approvals.approve(review.project_id, expires_days=31)
    site.agent.approvals.approve(review.project_id)
    made = site.agent.store.project(review.project_id).signed
    assert made.expires_at - made.decided_at == timedelta(days=30)
    old = site.agent.store.project(before.project_id).signed
    old = old.model_copy(update={"decided_at": datetime.now(UTC) - timedelta(days=31)})
    site.agent.store.put_decision(old, site.agent.key.sign(old))
    with pytest.raises(NotApproved):
        site.agent.approvals.valid(before.project_id)


# --- opt-outs ---
def persons_of(site, review) -> list[int]:
    return sorted(site.agent.store.cohort(review.project_id).values("person_id"))


def test_opting_out_takes_people_out_of_every_cohort_and_they_do_not_come_back(site):
    by_person, by_image, other = site.approved(PERSON_SQL), site.approved(), site.review()
    owners = {a: p for a, p in site.agent.store.all("SELECT accession_id, person_id FROM cohort_owners")}
    accession, person = next(iter(owners.items()))
    theirs = {a for a, p in owners.items() if p == person}
    assert person in persons_of(site, by_person)
    counted = len(persons_of(site, by_person))

    added = site.agent.optouts.add([person, 10**12], "Dr A")
    assert (added.new, added.known) == (2, 0)
    assert {c.project_id for c in added.cohorts} == {by_person.project_id, by_image.project_id}
    assert person not in persons_of(site, by_person)
    assert len(persons_of(site, by_person)) == counted - 1
    assert not theirs & set(site.agent.store.cohort(by_image.project_id).values("accession_id"))
    for review in (by_person, by_image):  # what is left is served, as the trust's own record allows
        project = site.agent.approvals.valid(review.project_id)
        assert site.agent.approvals.frozen.rows(project)
        assert site.agent.approvals.frozen.packed(project)[0] == len(site.agent.store.cohort(review.project_id).rows)

    def place(a):
        return site.agent.pipeline.cache.place(
            by_image.project_id, site.agent.pipeline.accession_key(by_image.project_id, a)
        )

    folders = [place(a) for a in owners]
    for folder in folders:
        folder.mkdir(parents=True)
    site.agent.apply_decisions()
    kept = {a for a in owners if place(a).exists()}
    assert kept == set(owners) - theirs
    api = site.api(site.live(by_image))
    image = {"project_id": str(by_image.project_id), "accession_id": accession, "resource_types": ["NIFTI"]}
    assert api.post("/data/v1/images", json=image).json()["code"] == "accession_not_found"

    site.agent.approvals.approve(other.project_id)  # frozen afterwards: without them, too
    assert not theirs & set(site.agent.store.cohort(other.project_id).values("accession_id"))
    assert site.agent.optouts.remove([person]) == 1
    assert person not in persons_of(site, by_person)
    assert site.agent.optouts.add([person]).cohorts == ()  # nothing left to take out


def test_a_new_query_does_not_count_who_opted_out(site):
    sql = "SELECT person_id FROM omop.person"
    engine = site.agent.engine
    everybody = engine.persons_and(engine.check(sql), {})[0].tolist()
    site.agent.optouts.add(everybody[:150])
    left = everybody[150:]
    checked = engine.check(sql)
    assert engine.persons_and(checked, {})[0].tolist() == left
    assert engine.summary(checked).persons == len(left)
    answer = site.do(CohortCount(query_id=site.review().query_id, project_id=site.review().project_id, sql=sql))
    assert answer["result"]["persons"] == len(left)
    images = engine.check("SELECT accession_id FROM omop.image_occurrence")
    assert not set(engine.persons_and(images, {})[0].tolist()) & set(everybody[:150])


def test_a_removal_that_nobody_signed_is_not_served(site, tamper):
    review = site.approved(PERSON_SQL)
    project = site.agent.approvals.valid(review.project_id)
    site.agent.optouts.add([persons_of(site, review)[0]])
    assert site.agent.approvals.frozen.rows(project)
    tamper("UPDATE cohort_shrinks SET signature = 'AAAA'")
    with pytest.raises(FrozenCohortChanged):
        site.agent.approvals.frozen.rows(project)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"person_id\n1\nAnna\n", "Line 3"),
        (b"1\n2\n-3\n", "Line 3"),
        (b"a,b\n1,2\n", "several columns"),
        (b"", "names nobody"),
        (b"1\n99999999999999999999\n", "Line 2"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_list_that_cannot_be_read_takes_nobody_out_and_quotes_nothing(content, said):
    with pytest.raises(OptOutFileInvalid, match=said) as refused:
        read_csv(content)
    assert "Anna" not in refused.value.public


def test_lists_of_people_in_the_usual_forms():
    assert read_csv(b"1\r\n2\r\n\r\n") == [1, 2]
    assert read_csv("﻿name,PERSON_ID\nx,7\n".encode()) == [7]


# --- a run that is on ---
@pytest.mark.parametrize("how", ["withdraw", "expire", "opt out", "policy", "decline code"])
def test_a_run_that_may_not_go_on_ends_here_by_the_trusts_own_word(site, policy, how):
    review = site.approved()
    run_id = site.started(review)
    pids = site.pids(run_id)
    other = site.started(site.approved())
    site.agent.apply_decisions()
    assert all(map(site.alive, pids))
    match how:
        case "withdraw":
            site.agent.approvals.withdraw(review.project_id)
            code = "project_not_approved"
        case "expire":
            expire(site, review)
            code = "project_not_approved"
        case "opt out":
            (accession, *_) = site.agent.store.cohort(review.project_id).values("accession_id")
            row = site.agent.store.one("SELECT person_id FROM cohort_owners WHERE accession_id = ?", accession)
            site.agent.optouts.add([row[0]])
            code = "people_removed"
        case "policy":
            policy("runs:\n  allowed: false\n")
            code = "runs_not_allowed"
        case "decline code":
            policy("code:\n  review: manual\n")
            code = "code_not_approved"
    site.agent.apply_decisions()
    site.eventually(lambda: not any(map(site.alive, pids)))
    assert not site.folder(run_id).exists()
    (left,) = [m for m in site.outbox("node_event") if m["event"] == "left" and m["run_id"] == str(run_id)]
    assert left["code"] == code
    assert ("run left", code) in ledger(site, run_id=str(run_id))
    both = how in ("policy", "decline code", "opt out")  # these two have the same cohort
    assert site.agent.store.run(other).ended == both
    assert site.code(StartNode(run_id=run_id)) == "run_unknown"


def test_a_text_that_comes_after_people_were_taken_out_is_withheld(site):
    review = site.approved()
    api, run_id = None, site.live(review)
    api = site.api(run_id)
    accession = site.agent.store.cohort(review.project_id).values("accession_id")[0]
    row = site.agent.store.one("SELECT person_id FROM cohort_owners WHERE accession_id = ?", accession)
    site.agent.optouts.add([row[0]])
    api.post("/data/v1/exceptions", json={"error_class": "E", "text": f"no {accession}"})
    assert accession not in str(site.outbox("node_event"))


# --- decisions that are asked for through the hub ---
def ask(review, action="approve", **changes) -> DecideProject:
    given = {"project_id": review.project_id, "query_id": review.query_id, "action": action, "asked_by": "Dr H"}
    return DecideProject(**(given | changes))


def test_through_the_hub_nothing_is_decided_unless_the_policy_says_so(site, policy):
    review = site.review()
    assert site.code(ask(review)) == "decide_at_the_hospital"
    assert site.agent.store.project(review.project_id).decision == "PENDING"
    assert site.outbox("decision") == []
    assert ("task: decide_project", "decide_at_the_hospital") in ledger(site, outcome="refused")

    policy("decisions:\n  at_hub: allowed\n")
    assert site.code(ask(review, query_id=site.review().query_id)) == "cohort_changed"
    assert site.code(ask(review, conditions="only spleens", expires_days=30)) is None
    made = site.agent.approvals.valid(review.project_id).signed
    assert (made.decided_by, made.conditions) == ("Dr H (at the hub)", "only spleens")
    assert site.code(ask(review)) == "decision_impossible"
    assert site.code(ask(review, "renew", expires_days=60)) is None
    assert site.agent.approvals.valid(review.project_id).signed.conditions == "only spleens"
    assert site.code(ask(review, "withdraw")) is None
    assert site.code(ask(site.review(), "decline")) is None
    assert [past.at_hub for past in site.agent.approvals.history()] == [True] * 4


# --- another process, with the hub away ---
def test_the_command_line_decides_in_another_process(site, tmp_path):
    review = site.approved()
    env = {f"FLIP_TRUST_{k.upper()}": str(v) for k, v in site.agent.settings.model_dump(exclude_unset=True).items()}
    row = site.agent.store.one("SELECT person_id FROM cohort_owners LIMIT 1")
    (tmp_path / "out.csv").write_text(f"person_id\n{row[0]}\n")

    def command(*words: str) -> str:
        code = f"from flip_trust.cli import app; app({list(words)!r})"
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = site.agent.store.version()
    assert "1 people are new" in command("optout", "add", str(tmp_path / "out.csv"))
    assert site.agent.store.version() != before
    shown = command("show", str(review.project_id))
    assert "The query in words:" in shown
    assert "frozen at approval" in shown
    assert str(review.project_id) in command("projects")

"""Decisions at the page: by whom, with what conditions, until when; signed and on their way to the hub."""

import json
import re

import pytest

from flip_contracts.imaging import SeriesRule
from flip_contracts.statuses import Decision


def path(review, action: str = "") -> str:
    return f"/projects/{review.project_id}{f'/{action}' if action else ''}"


def messages(site) -> list[dict]:
    return [json.loads(m) for _, m in site.agent.store.messages(1000) if json.loads(m)["kind"] == "decision"]


def test_a_project_is_shown_with_everything_there_is_to_know(site):
    review = site.review(imaging=True)
    shown = site.browser().get(path(review))
    for fact in ("Spleen outlines", "Outline the spleen.", "Ada Byron", "accession_id", "yes, de-identified"):
        assert fact in shown
    persons = site.agent.engine.summary(site.agent.engine.check(review.sql)).persons
    assert re.search(rf"<dt>persons</dt><dd>{persons}</dd>", shown)
    assert "FROM omop.image_occurrence" in shown  # the SQL
    assert "omop.person" in shown.split("The query in words")[1].split("The query in SQL")[0] or "person" in shown


def test_the_image_series_that_a_project_wants_are_shown(site):
    every = site.browser().get(path(site.review(imaging=True)))
    assert "every one that can be converted" in every
    rule = SeriesRule(modalities=["CT", "MR"], description=["<portal>"], max_thickness_mm=3)
    shown = site.browser("grace").get(path(site.review(imaging=True, series_rule=rule)))
    assert "<code>modalities</code> CT, MR; <code>description</code> &lt;portal&gt;" in shown
    assert "<code>max_thickness_mm</code> 3.0</dd>" in shown
    assert "Image series" not in site.browser("hedy").get(path(site.review()))


def test_a_yes_holds_who_said_it_under_which_conditions_and_until_when(site):
    review = site.review()
    browser = site.browser("grace")
    shown = browser.post(path(review, "approve"), conditions=" Ask us <first>. ", days="30")
    assert "Approved. The cohort is frozen" in shown
    assert "Ask us &lt;first&gt;." in shown
    (message,) = messages(site)
    made = message["decision"]
    assert (made["decision"], made["decided_by"], made["conditions"]) == ("APPROVED", "grace", "Ask us <first>.")
    assert made["expires_at"] is not None
    assert site.agent.approvals.valid(review.project_id).decision is Decision.APPROVED
    assert "Frozen at approval" in shown
    assert ">approved<" in browser.get("/projects")


def test_a_yes_is_renewed_and_withdrawn(site):
    review = site.review()
    browser = site.browser()
    browser.post(path(review, "approve"), days="1")
    shown = browser.post(path(review, "renew"), conditions="Only spleens.", days="90")
    assert "Renewed" in shown
    assert "Only spleens." in shown
    assert "Withdrawn" in browser.post(path(review, "withdraw"))
    assert [m["decision"]["decision"] for m in messages(site)] == ["APPROVED", "APPROVED", "WITHDRAWN"]
    assert "Approve" in browser.get(path(review))  # and may be approved again


def test_a_no_is_a_decision_too(site):
    review = site.review()
    browser = site.browser()
    assert "Declined" in browser.post(path(review, "decline"))
    assert ">declined<" in browser.get("/projects")


@pytest.mark.parametrize("days", ["0", "-1", "ten", "99999", "1.5"])
def test_a_time_that_is_none_changes_nothing(site, days):
    review = site.review()
    browser = site.browser()
    assert "That was refused" in browser.post(path(review, "approve"), 409, days=days)
    assert messages(site) == []


def test_what_cannot_be_approved_says_why(site):
    few = site.review(sql="SELECT person_id FROM omop.person WHERE year_of_birth < 1000")
    browser = site.browser()
    assert "it cannot be approved" in browser.get(path(few))
    assert "fewer than" in browser.post(path(few, "approve"), 403)
    bad = site.review(sql="SELECT nonsense FROM omop.person")
    assert "nonsense" in browser.get(path(bad))
    assert "refused" in browser.post(path(bad, "approve"), 409)


def test_a_project_that_is_not_there_is_a_plain_page(site):
    browser = site.browser()
    assert "was not asked" in browser.get("/projects/00000000-0000-0000-0000-000000000000", 404)
    assert "not understood" in browser.get("/projects/spleen", 422)


def test_a_run_on_a_withdrawn_project_has_no_approval_whatever_the_hub_does(site):
    from flip_trust.errors import NotApproved

    review = site.review()
    browser = site.browser()
    browser.post(path(review, "approve"))
    browser.post(path(review, "withdraw"))
    with pytest.raises(NotApproved):
        site.agent.approvals.valid(review.project_id)

"""Code, what left, opt-outs, policy: seen, decided, filtered, taken away as files."""

import csv
import hashlib
import io
import json
import zipfile
from uuid import uuid4

import pytest

from flip_contracts.content import StagedFile
from flip_contracts.statuses import Decision
from flip_contracts.tasks import ReviewCode
from flip_trust.staff.book import Role


def fab(**files: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as zipped:
        for name, text in files.items():
            path = name.replace("__", "/") + (".toml" if name == "pyproject" else ".py")
            zipped.writestr(zipfile.ZipInfo(path), text)  # without the time: the same files are the same bundle
    return sink.getvalue()


@pytest.fixture
def app(site):
    """An app that waits for review: its project's id and its hash."""
    review = site.review()
    model = uuid4()

    def put(staged: str = "", **files: str) -> str:
        bundle = fab(**files)
        sha256 = hashlib.sha256(bundle).hexdigest()
        asked = ReviewCode(
            project_id=review.project_id,
            model_id=model,
            model_name="U-Net",
            fab_sha256=sha256,
            files=[StagedFile(path="net.safetensors", sha256=staged, size_bytes=3 * 2**20)] if staged else [],
        )
        site.agent.code.put(asked, bundle)
        return f"/code/{review.project_id}/{sha256}"

    return put


def test_an_app_is_shown_whole_and_approved_by_name(site, app):
    place = app(pyproject="[project]\nname = 'x'\n", app__client_app="import os\nLIMIT = '<b>'\n")
    browser = site.browser("grace")
    assert "U-Net" in browser.get("/code")
    shown = browser.get(place)
    for fact in ("All of it is new", "app/client_app.py", "LIMIT = &#39;&lt;b&gt;&#39;", "What the checks found"):
        assert fact in shown
    assert "exactly this app may run" in browser.post(f"{place}/decide", decision="approve")
    (review,) = site.agent.code.reviews()
    assert (review.decision, review.approved_by) == (Decision.APPROVED, ("grace",))
    assert "Declined" in browser.post(f"{place}/decide", decision="decline")
    assert site.agent.code.reviews()[0].decision is Decision.DECLINED


def test_a_second_app_is_shown_as_what_changed(site, app):
    browser = site.browser()
    browser.post(f"{app(pyproject='a = 1', app__client_app='x = 1')}/decide", decision="approve")
    shown = browser.get(app(pyproject="a = 1", app__client_app="x = 2"))
    assert "Changed since the last approved app" in shown
    assert '<span class="removed">-x = 1</span>' in shown
    assert '<span class="added">+x = 2</span>' in shown


def test_files_beside_the_bundle_are_shown_and_decided_on_with_it(site, app):
    browser = site.browser()
    place = app("a" * 64, pyproject="a = 1")
    shown = browser.get(place)
    assert "Files beside the bundle" in shown
    assert "net.safetensors" in shown
    assert "3.0 MiB" in shown
    (first,) = site.agent.code.reviews()
    assert f'name="files_sha256" value="{first.files_sha256}"' in shown
    app("b" * 64, pyproject="a = 1")
    refused = browser.post(f"{place}/decide", 409, decision="approve", files_sha256=first.files_sha256)
    assert "other files while you looked" in refused
    (second,) = site.agent.code.reviews()
    assert "exactly this app" in browser.post(f"{place}/decide", decision="approve", files_sha256=second.files_sha256)


def test_where_two_people_are_wanted_one_is_not_enough(site, app):
    (site.agent.settings.data_dir / "policy.yaml").write_text("code:\n  review: manual\n  reviewers: 2\n")
    place = app(pyproject="a = 1")
    ada, grace = site.browser("ada"), site.browser("grace")
    assert "a second person" in ada.post(f"{place}/decide", decision="approve")
    assert 'value="approve"' not in ada.get(place)
    ada.post(f"{place}/decide", 409, decision="approve")
    assert site.agent.code.reviews()[0].decision is Decision.PENDING
    assert "exactly this app" in grace.post(f"{place}/decide", decision="approve")


def test_an_app_that_is_not_there_is_a_plain_page(site):
    assert "That was refused" in site.browser().get(f"/code/{uuid4()}/{'0' * 64}", 404)


def test_what_left_is_filtered_exported_and_verified(site):
    review = site.review()
    browser = site.browser()
    browser.post(f"/projects/{review.project_id}/approve")
    site.agent.witness.messages(site.agent.store.messages(100))  # as the outbox does before it sends
    site.agent.witness.refused("task: x", "forged", "The hub forged something.")
    shown = browser.get("/left")
    assert "decision" in shown
    assert "The hub forged something." in shown
    refused = browser.get("/left?outcome=refused")
    assert "The hub forged something." in refused
    assert "/left/export.csv?outcome=refused" in refused
    assert "Nothing matches" in browser.get("/left?since=2099-01-01")
    assert "is no day" in browser.get("/left?since=tomorrow", 404)

    rows = list(csv.DictReader(io.StringIO(browser.get("/left/export.csv?kind=decision"))))
    assert [row["kind"] for row in rows] == ["decision"]
    assert len(rows[0]["sha256"]) == 64
    events = [json.loads(line) for line in browser.get("/left/export.ndjson").splitlines()]
    assert {event["resourceType"] for event in events} == {"AuditEvent"}
    assert "as they were written" in browser.post("/left/verify")


def test_a_broken_chain_is_told(site):
    import sqlite3

    site.agent.witness.refused("task: x", "forged", "Something.")
    db = sqlite3.connect(site.agent.what_left.path)
    db.execute("DROP TRIGGER entries_stay")
    db.execute("UPDATE entries SET text = 'Nothing.'")
    db.commit()
    db.close()
    assert "The chain is broken" in site.browser().post("/left/verify")


def test_opt_outs_are_a_number_and_an_admin_s_file(site):
    browser = site.browser("root", Role.ADMIN)
    file = {"people": ("people.csv", b"person_id\n1\n2\n2\n", "text/csv")}
    assert "2 people are added" in browser.post("/optouts", files=file)
    assert "<dd>2</dd>" in browser.get("/optouts")
    wrong = {"people": ("people.csv", b"person_id\n1\nCANARY\n", "text/csv")}
    told = browser.post("/optouts", 422, files=wrong)
    assert "Line 3" in told
    assert "CANARY" not in told
    reviewer = site.browser("ada")
    assert "Only an admin" in reviewer.post("/optouts", 403, files=file)
    assert 'type="file"' not in reviewer.get("/optouts")


def test_the_policy_is_shown_with_what_each_rule_means_and_what_is_wrong_with_it(site):
    file = site.agent.settings.data_dir / "policy.yaml"
    browser = site.browser()
    assert "There is no policy file yet" in browser.get("/policy")
    file.write_text("disclosure:\n  threshold: 25\n")
    shown = browser.get("/policy")
    assert '<strong class="number">25</strong>' in shown
    assert "Fewer distinct persons than this are never told." in shown
    file.write_text("disclosure:\n  treshold: 25\n")
    shown = browser.get("/policy")
    assert "cannot be read" in shown
    assert "line 2" in shown

"""Apps that the staff look at first: the bundle by its hash, its files, findings and diff, one or two reviewers."""

import dataclasses
import hashlib
import io
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest

from flip_contracts.content import StagedFile
from flip_contracts.messages import CodeDecisionMessage
from flip_contracts.tasks import ReviewCode, StartNode
from flip_trust.errors import CodeNotApproved, CodeUnknown, DecisionImpossible
from flip_trust.keys import TrustKey, is_signed_by

APP = Path(__file__).parents[3] / "tests" / "apps" / "numpy_app"


def bundle(**changed: str) -> bytes:
    """A FAB: a zip of the app's files with Flower's own list of them."""
    files = {p.relative_to(APP).as_posix(): p.read_text() for p in APP.rglob("*") if p.suffix in (".py", ".toml")}
    files |= {".info/CONTENT": "x", **{k.replace("__", "/"): v for k, v in changed.items()}}
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as zipped:
        for name, text in sorted(files.items()):
            zipped.writestr(zipfile.ZipInfo(name), text)
    return sink.getvalue()


class Apps:
    """What the hub gives for review."""

    def __init__(self, site):
        self.site, self.kept = site, {}
        self.model_id = uuid4()
        site.agent._tools = dataclasses.replace(site.agent._tools, fetch_fab=lambda sha: self.kept[sha])

    def asked(self, review, fab: bytes, model_id=None) -> ReviewCode:
        sha256 = hashlib.sha256(fab).hexdigest()
        self.kept[sha256] = fab
        return ReviewCode(
            project_id=review.project_id, model_id=model_id or self.model_id, model_name="M", fab_sha256=sha256
        )

    def given(self, review, fab: bytes, model_id=None) -> str:
        asked = self.asked(review, fab, model_id)
        assert self.site.code(asked) is None
        return asked.fab_sha256


@pytest.fixture
def apps(site):
    (site.agent.settings.data_dir / "policy.yaml").write_text("code:\n  review: manual\n")
    return Apps(site)


def test_a_run_of_an_app_that_nobody_approved_is_refused_before_a_node_exists(site, apps):
    review = site.approved()
    fab = bundle()
    sha256 = apps.given(review, fab)
    join = site.join(review, fab_sha256=sha256)
    assert site.code(join) == "code_not_approved"
    assert site.agent.store.open_runs() == []
    assert not (site.agent.settings.data_dir / "runs").exists()

    site.agent.code.approve(review.project_id, sha256, "Dr A")
    (told,) = site.outbox("code_decision")
    message = CodeDecisionMessage.model_validate(told)
    assert is_signed_by(site.agent.key.public, message.decision, message.signature)
    assert (message.decision.decision, message.decision.fab_sha256) == ("APPROVED", sha256)
    assert site.code(join) is None  # the same manifest, asked again
    assert site.code(StartNode(run_id=join.signed.manifest.run_id)) is None
    other = site.join(review, fab_sha256=hashlib.sha256(bundle(app__x="1")).hexdigest())
    assert site.code(other) == "code_not_approved"
    elsewhere = site.join(site.approved(), fab_sha256=sha256)
    assert site.code(elsewhere) == "code_not_approved"  # approved for one project only


def test_what_the_staff_see_is_what_would_run(site, apps):
    review = site.approved()
    first = apps.given(review, bundle())
    app = site.agent.code.app(review.project_id, first)
    assert app.files == {
        p.relative_to(APP).as_posix(): p.read_bytes() for p in APP.rglob("*") if p.suffix in (".py", ".toml")
    }
    assert app.before_sha256 is None
    assert any(line.startswith("+") for line in app.diff)
    site.agent.code.approve(review.project_id, first, "Dr A")

    source = next(p for p in APP.rglob("client_app.py"))
    name = source.relative_to(APP).as_posix()
    changed = "import subprocess\nsubprocess.run(['id'])\n" + source.read_text()
    second = apps.given(review, bundle(**{name.replace("/", "__"): changed}))
    app = site.agent.code.app(review.project_id, second)
    assert app.before_sha256 == first
    added = [line for line in app.diff if line.startswith("+") and not line.startswith("+++")]
    assert added == ["+import subprocess", "+subprocess.run(['id'])"]
    assert any(finding.file == name for finding in app.findings), "our own check of the app"
    assert [r.fab_sha256 for r in site.agent.code.reviews(review.project_id)] == [second, first]
    assert site.agent.code.find(second[:12]).fab_sha256 == second
    for unknown in (second[:4], "0" * 64):
        with pytest.raises(CodeUnknown):
            site.agent.code.find(unknown)


def test_the_same_bundle_with_other_files_beside_it_is_looked_at_anew(site, apps):
    """Weights that are a pickle are code."""
    review, fab = site.approved(), bundle()
    first, second = ([StagedFile(path="w/net.pt", sha256=c * 64, size_bytes=7)] for c in "ab")
    asked = apps.asked(review, fab)
    code, sha256 = site.agent.code, asked.fab_sha256

    def manifest(files):
        return site.join(review, fab_sha256=sha256).signed.manifest.model_copy(update={"files": files})

    assert site.code(asked.model_copy(update={"files": first})) is None
    (seen,) = code.reviews()
    assert seen.staged == tuple(first)
    code.approve(review.project_id, sha256, "Dr A", seen.files_sha256)
    code.demand(manifest(first))
    for other in (second, [], first + second):
        with pytest.raises(CodeNotApproved):
            code.demand(manifest(other))

    assert site.code(asked.model_copy(update={"files": second})) is None
    (now,) = code.reviews()
    assert (now.staged, now.decision, now.approved_by) == (tuple(second), "PENDING", ())
    with pytest.raises(DecisionImpossible, match="other files while you looked"):
        code.approve(review.project_id, sha256, "Dr A", seen.files_sha256)
    code.approve(review.project_id, sha256, "Dr A", now.files_sha256)
    code.demand(manifest(second))
    told = [m["decision"]["files_sha256"] for m in site.outbox("code_decision")]
    assert told == [seen.files_sha256, now.files_sha256]


def test_a_bundle_with_other_bytes_than_announced_is_not_kept(site, apps):
    review = site.approved()
    asked = apps.asked(review, bundle())
    apps.kept[asked.fab_sha256] = bundle(app__evil="1")
    assert site.code(asked) == "code_not_as_announced"
    assert site.agent.code.reviews() == []
    double = io.BytesIO()
    with zipfile.ZipFile(double, "w") as zipped:
        zipped.writestr("a.py", "good = 1")
        with pytest.warns(UserWarning, match="Duplicate"):
            zipped.writestr("a.py", "evil = 1")
    for wrong in (b"no zip", double.getvalue()):
        assert site.code(apps.asked(review, wrong)) == "code_not_as_announced"
    assert site.code(apps.asked(site.join(review).signed.manifest, bundle())) is None
    unknown = apps.asked(review, bundle()).model_copy(update={"project_id": uuid4()})
    assert site.code(unknown) == "project_unknown"


def test_a_second_person_is_a_second_person(site, apps):
    (site.agent.settings.data_dir / "policy.yaml").write_text("code:\n  review: manual\n  reviewers: 2\n")
    review = site.approved()
    sha256 = apps.given(review, bundle())
    code, join = site.agent.code, site.join(review, fab_sha256=sha256)
    assert code.approve(review.project_id, sha256, "Dr A").decision == "PENDING"
    assert site.code(join) == "code_not_approved"
    assert site.outbox("code_decision") == []
    for not_another in ("Dr A", ""):
        with pytest.raises(DecisionImpossible):
            code.approve(review.project_id, sha256, not_another)
    assert code.approve(review.project_id, sha256, "Dr B").approved_by == ("Dr A", "Dr B")
    assert site.code(join) is None
    code.decline(review.project_id, sha256, "Dr C")  # any of them takes it back
    assert site.agent.authority.why_not_any_more(site.agent.store.open_runs()[0]).code == "code_not_approved"
    assert code.approve(review.project_id, sha256, "Dr A").decision == "PENDING"  # and both are asked anew
    assert [m["decision"]["decision"] for m in site.outbox("code_decision")] == ["APPROVED", "DECLINED"]


def test_an_approval_that_this_trust_did_not_sign_counts_for_nothing(site, apps, tmp_path):
    review = site.approved()
    first, second = apps.given(review, bundle()), apps.given(review, bundle(app__other="1"))
    site.agent.code.approve(review.project_id, first, "Dr A")
    row = site.agent.store.one("SELECT * FROM code_decisions")
    with site.agent.store.transaction() as db:
        sql = "INSERT INTO code_decisions (project_id, fab_sha256, signed, signature) VALUES (?, ?, ?, ?)"
        db.execute(sql, (row["project_id"], second, row["signed"], row["signature"]))  # of another app
        made = CodeDecisionMessage.model_validate(site.outbox("code_decision")[0]).decision
        made = made.model_copy(update={"fab_sha256": second})
        forged = TrustKey(tmp_path / "other.pem").sign(made)
        db.execute(sql, (row["project_id"], second, made.model_dump_json(), forged))
    assert site.code(site.join(review, fab_sha256=second)) == "code_not_approved"
    assert site.code(site.join(review, fab_sha256=first)) is None

"""What a run left behind: downloaded in parts, looked into, and with the proof of how it came to be."""

import hashlib
import io
import json
import zipfile
from random import Random
from uuid import uuid4

import pytest
from hub.tests.fake_fl import FakeRun
from hub.tests.rows import make_project, make_run

from flip_contracts.fl_api import FlRunState, RunSpec
from flip_hub.db import now
from flip_hub.results.card import card_of
from flip_hub.results.facts import facts_of
from flip_hub.results.ranges import RangeInvalid, Span, span_of
from flip_hub.results.tables import RunResult
from flip_hub.runs.tables import Run, RunLogLine

FILES = {
    "model.safetensors": Random(1).randbytes(3_000_000),  # several chunks
    "plots/loss.png": b"\x89PNG",
    "history.json": b'{"rounds": []}',
    "page.html": b"<script>alert(1)</script>",
    "MODEL_CARD.md": b"the app's own",
}


@pytest.fixture
def finished(hub):
    alpha = hub.trust("alpha")
    project = make_project(hub, "alpha", sql="SELECT person_id FROM omop.person")
    run_id = make_run(hub, project, "alpha", net_id=hub.net_id, fab_sha256="ab" * 32)
    point = {"id": str(uuid4()), "label": "LOSS", "value": 0.25, "round": 1, "at": now().isoformat()}
    alpha.send(kind="metrics", run_id=str(run_id), points=[point])
    with hub.database.session() as session:
        session.add(RunLogLine(run_id=run_id, at=now(), text="Line 1"))
    spec = RunSpec(model_id=uuid4(), project_id=uuid4(), cohort_query="", trust_count=1)
    hub.fl.runs[run_id] = FakeRun(spec, FlRunState.RUNNING)
    hub.fl.finish(run_id, results=FILES)
    hub.settle()
    assert hub.researcher.get(f"runs/{run_id}")["state"] == "succeeded"
    return hub, run_id


def download(finished, **headers):
    hub, run_id = finished
    headers = {"authorization": f"Bearer {hub.researcher.token}", **headers}
    return hub.client.get(f"/api/v1/runs/{run_id}/results", headers=headers)


def test_a_download_that_broke_off_goes_on_with_ranges(finished):
    whole = download(finished)
    size, digest = len(whole.content), hashlib.sha256(whole.content).hexdigest()
    assert (whole.status_code, whole.headers["accept-ranges"], whole.headers["etag"]) == (200, "bytes", f'"{digest}"')
    for wanted, start, end in [("bytes=5-", 5, size), (f"bytes=0-{2**20}", 0, 2**20 + 1), ("bytes=-7", size - 7, size)]:
        part = download(finished, range=wanted)
        assert (part.status_code, part.content == whole.content[start:end]) == (206, True)
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.headers["content-length"] == str(end - start)
    assert download(finished, **{"range": "bytes=5-", "if-range": '"another"'}).status_code == 200
    beyond = download(finished, range=f"bytes={size}-")
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_invalid")


@pytest.mark.parametrize("wanted", ["bytes=9-5", "bytes=1-,3-", "bytes=-", "lines=5-", "nonsense", ""])
def test_any_other_range_gives_the_whole(wanted):
    assert span_of(wanted, "", "", 10) == Span(0, 9, False)


def test_a_range_ends_with_the_results():
    assert span_of("bytes=5-99", "", "", 10) == Span(5, 9, True)
    assert span_of("bytes=-99", "", "", 10) == Span(0, 9, True)
    with pytest.raises(RangeInvalid):
        span_of("bytes=-0", "", "", 10)


def test_the_zip_holds_what_the_app_left_and_how_it_came_to_be(finished):
    zipped = zipfile.ZipFile(io.BytesIO(download(finished).content))
    assert {name: zipped.read(name) for name in FILES} == FILES
    assert zipped.read("provenance/cohort.sql") == b"SELECT person_id FROM omop.person"
    assert zipped.read("provenance/server.log") == b"Line 1\n"
    assert b"alpha,LOSS,round,1.0,0.25" in zipped.read("provenance/metrics.csv")
    assert json.loads(zipped.read("provenance/approvals.json"))[0]["signed"] == {"of": "alpha"}
    assert "ab" * 32 in zipped.read("flip/MODEL_CARD.md").decode()
    graph = {entity["@id"]: entity for entity in json.loads(zipped.read("ro-crate-metadata.json"))["@graph"]}
    root = graph["./"]
    assert root["conformsTo"] == {"@id": "https://w3id.org/5s-crate/0.4"}
    assert {part["@id"] for part in root["hasPart"]} == {n for n in zipped.namelist() if n != "ro-crate-metadata.json"}
    actions = [graph[m["@id"]] for m in root["mentions"]]
    run = next(a for a in actions if a["@type"] == "CreateAction")
    assert run["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert graph[run["instrument"]["@id"]]["sha256"] == "ab" * 32
    assert run["participant"] == {"@id": "#trust-alpha"} or run["participant"] == [{"@id": "#trust-alpha"}]
    values = [graph[e["@id"]] for e in run["object"] if "@id" in e]
    assert values[0]["value"] == "SELECT person_id FROM omop.person"
    kinds = {a["additionalType"]["@id"].split("#")[1] for a in actions if a["@type"] == "AssessAction"}
    assert kinds == {"ValidationCheck", "SignOff"}
    assert graph["#metric-alpha-LOSS-round"]["value"] == 0.25


def test_results_are_listed_and_looked_into_without_downloading(finished):
    hub, run_id = finished
    me = hub.researcher
    model = me.get(f"runs/{run_id}")["model_id"]
    (listed,) = me.get(f"models/{model}/results")
    assert (listed["run_id"], listed["state"], listed["size_bytes"]) == (
        str(run_id),
        "succeeded",
        len(download(finished).content),
    )
    files = {f["path"]: f for f in me.get(f"runs/{run_id}/results/files")}
    previews = [files[p]["preview"] for p in ("plots/loss.png", "history.json", "model.safetensors", "page.html")]
    assert previews == ["picture", "json", None, None]
    for path, content in FILES.items():
        answer = me.call("GET", f"runs/{run_id}/results/files/{path}")
        assert (answer.content == content, answer.headers["content-length"]) == (True, str(len(content)))
        shown = "inline" if files[path]["preview"] else "attachment"
        assert answer.headers["content-disposition"].startswith(shown)
        assert "sandbox" in answer.headers["content-security-policy"]
    assert me.refused("GET", f"runs/{run_id}/results/files/../secret") in ("not_found", "http_error")
    assert me.refused("GET", f"runs/{run_id}/results/files/none.txt") == "not_found"
    stranger = hub.person("researcher", "s@x.example")
    for path in ("results/files", "results", "provenance", "model-card"):
        assert stranger.refused("GET", f"runs/{run_id}/{path}") == "not_found"
    assert me.get(f"runs/{run_id}/provenance")["@graph"]
    card = me.call("GET", f"runs/{run_id}/model-card").text
    assert "| LOSS | alpha | 0.25 | 0.25 | 0.25 | 1 |" in card


def test_results_that_are_no_zip_or_another_are_refused_and_the_run_says_so(hub, monkeypatch):
    run_id = make_run(hub, make_project(hub), net_id=hub.net_id)
    spec = RunSpec(model_id=uuid4(), project_id=uuid4(), cohort_query="", trust_count=1)
    hub.fl.runs[run_id] = FakeRun(spec, FlRunState.RUNNING)
    hub.fl.finish(run_id, results={"a": b"1"})
    monkeypatch.setattr(hub.fl, "results", lambda run_id: iter([b"something else"]))
    hub.settle()
    run = hub.researcher.get(f"runs/{run_id}")
    assert (run["state"], "did not arrive whole" in run["reason_text"]) == ("failed", True)
    assert hub.researcher.refused("GET", f"runs/{run_id}/results") == "results_not_ready"
    with hub.database.session() as session:
        assert session.get(RunResult, run_id) is None


def test_a_model_card_takes_no_markup_from_strangers(hub):
    run_id = make_run(hub, make_project(hub, name="<script>|x|[a](b)"))
    with hub.database.session() as session:
        card = card_of(facts_of(session, session.get_one(Run, run_id)))
    assert "&lt;script&gt;\\|x\\|\\[a\\](b)" in card

"""What a ClientApp may ask of its trust: with a live run's token, of its own project's frozen cohort, and no more."""

import json
import logging
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from flip_contracts.tasks import LeaveRun

COHORT, IMAGES, METRICS, EXCEPTIONS = (f"/data/v1/{name}" for name in ("cohort", "images", "metrics", "exceptions"))


def point(**changes):
    at = datetime.now(UTC).isoformat()
    return {"id": str(uuid4()), "label": "LOSS", "value": 0.5, "round": 1, "at": at} | changes


def images(review, accession, *types):
    return {"project_id": str(review.project_id), "accession_id": accession, "resource_types": list(types or ["NIFTI"])}


def refusal(response):
    problem = response.json()
    assert set(problem) == {"code", "message", "details", "request_id"}
    assert "CANARY" not in response.text
    return response.status_code, problem["code"]


@pytest.fixture
def review(site):
    return site.approved(imaging=True)


@pytest.fixture
def run_id(site, review):
    return site.live(review)


@pytest.fixture
def api(site, run_id):
    return site.api(run_id)


@pytest.fixture
def ask(api, review):
    """GET the run's own cohort, with changes."""
    return lambda **changes: api.get(COHORT, params={"project_id": str(review.project_id), "query": "*"} | changes)


def test_only_the_token_of_a_live_run_is_taken(site, api, run_id, review):
    accession = site.agent.store.cohort(review.project_id).values("accession_id")[0]
    stranger = site.api()
    calls = [
        ("GET", COHORT, {"params": {"project_id": str(review.project_id)}}),
        ("POST", IMAGES, {"json": images(review, accession)}),
        ("POST", METRICS, {"json": {"points": [point()]}}),
        ("POST", EXCEPTIONS, {"json": {"error_class": "E"}}),
    ]
    stored = site.agent.store.run(run_id)
    for header in (None, "", "Bearer ", "Bearer x", f"Bearer {run_id}", f"Bearer {stored.public_key}"):
        headers = {} if header is None else {"authorization": header}
        for method, path, rest in calls:
            assert refusal(stranger.request(method, path, headers=headers, **rest)) == (401, "token_refused")
    assert api.get(COHORT, params={"project_id": str(review.project_id)}).status_code == 200
    site.do(LeaveRun(run_id=run_id))
    for method, path, rest in calls:
        assert refusal(api.request(method, path, **rest)) == (401, "token_refused")


def test_the_token_that_a_supernode_is_given_works_and_is_not_in_the_database(site, review):
    run_id = site.started(review)
    token = site.token(run_id)
    assert site.api(run_id).get(COHORT, params={"project_id": str(review.project_id)}).status_code == 200
    files = list(site.agent.settings.data_dir.glob("agent.db*"))
    assert files
    assert not [f for f in files if token.encode() in f.read_bytes()]


def test_the_project_of_another_run_is_refused(site, ask, api):
    other = site.approved()
    site.live(other)
    assert refusal(ask(project_id=str(other.project_id))) == (403, "not_approved")
    assert refusal(ask(project_id=str(uuid4()))) == (403, "not_approved")
    accession = site.agent.store.cohort(other.project_id).values("accession_id")[0]
    assert refusal(api.post(IMAGES, json=images(other, accession))) == (403, "not_approved")


def test_the_cohort_is_typed_and_exactly_the_frozen_rows(site, ask, review, hospital):
    body = ask().json()
    assert body["columns"] == [
        {"name": "accession_id", "type": "string"},
        {"name": "person_id", "type": "int64"},
        {"name": "year_of_birth", "type": "int64"},
        {"name": "gender_concept_id", "type": "int64"},
        {"name": "image_occurrence_date", "type": "date"},
    ]
    assert body["rows"] == site.agent.store.cohort(review.project_id).rows
    got = sorted((row[0], row[1], row[4]) for row in body["rows"])
    assert got == sorted((a, int(person), day.isoformat()) for a, person, day in hospital.accessions)
    assert ask(query=f"\n {review.sql} ").json() == body


@pytest.mark.parametrize("query", ["SELECT 1", "", "SELECT person_id FROM omop.person", "* "])
def test_another_query_is_a_conflict(ask, query):
    if query.strip() == "*":
        assert ask(query=query).status_code == 200
    else:
        assert refusal(ask(query=query)) == (409, "cohort_query_mismatch")


@pytest.mark.parametrize("accession", ["ELSEWHERE-1", "", "*", "../../keys", "canary-a-0001", "CANARY-A-0001 "])
def test_an_accession_outside_the_cohort_is_not_found(api, review, accession):
    assert refusal(api.post(IMAGES, json=images(review, accession))) == (404, "accession_not_found")


def test_the_images_folder_has_inputs_and_labels_and_no_identity(site, api, review, hospital):
    (accession, _, _), *_ = hospital.accessions
    reply = api.post(IMAGES, json=images(review, accession, "nifti", "SEGMENTATION"))
    assert reply.status_code == 200
    folder = site.agent.settings.data_dir / "imaging" / "cache" / str(review.project_id)
    (made,) = [f for f in folder.iterdir() if f.is_dir()]
    assert reply.json() == {"path": str(made)}
    assert {f.name for f in made.glob("*.nii.gz")} == {"input_1.nii.gz", "label_1.nii.gz"}
    assert accession not in reply.text
    assert api.post(IMAGES, json=images(review, accession, "ALL")).json() == reply.json()


@pytest.mark.parametrize("types", [["SECRETS"], [], "NIFTI", ["NIFTI"] * 5])
def test_unknown_resource_types_are_refused(api, review, types):
    body = images(review, "CANARY-A-0001") | {"resource_types": types}
    assert refusal(api.post(IMAGES, json=body)) == (422, "invalid_request")


def test_a_metric_that_is_finite_and_plain_leaves_with_its_run(site, api, run_id):
    sent = point(client_name="CANARY-A-0001", x_label="CANARY-A-0002", x_value=3)
    assert api.post(METRICS, json={"points": [sent]}).status_code == 202
    (told,) = site.outbox("metrics")
    assert told["run_id"] == str(run_id)
    (left,) = told["points"]
    assert (left["id"], left["label"], left["value"]) == (sent["id"], "LOSS", 0.5)
    assert (left["client_name"], left["x_label"]) == ("[value]", "[value]")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", '"NaN"', "1e999", "null"])
def test_a_metric_that_is_no_finite_number_is_refused(site, api, number):
    body = json.dumps({"points": [point()]}).replace("0.5", number)
    assert number in body
    response = api.post(METRICS, content=body, headers={"content-type": "application/json"})
    assert refusal(response) == (422, "invalid_request")
    assert site.outbox("metrics") == []


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("CANARY-A-0001", "metric_refused"),
        ("1LOSS", "metric_refused"),
        ("a b", "invalid_request"),
        ("", "invalid_request"),
    ],
)
def test_a_metric_label_that_could_name_somebody_is_refused_with_its_whole_batch(site, api, label, code):
    response = api.post(METRICS, json={"points": [point(), point(label=label)]})
    assert refusal(response) == (422, code)
    assert site.outbox("metrics") == []


def test_a_withdrawn_approval_closes_the_data_api_at_once(site, api, ask, review):
    assert ask().status_code == 200
    site.agent.approvals.withdraw(review.project_id)  # nobody has ended the run yet
    accession = site.agent.store.cohort(review.project_id).values("accession_id")[0]
    assert refusal(ask()) == (403, "not_approved")
    assert refusal(api.post(IMAGES, json=images(review, accession))) == (403, "not_approved")
    assert refusal(api.post(METRICS, json={"points": [point()]})) == (403, "not_approved")
    assert refusal(api.post(EXCEPTIONS, json={"error_class": "E"})) == (403, "not_approved")
    assert site.outbox("metrics") == []


def test_an_exception_leaves_without_values_of_the_cohort_and_short(site, api, run_id, review):
    cohort = site.agent.store.cohort(review.project_id)
    row = cohort.rows[0]
    text = "KeyError: " + " ".join(str(v) for v in row if len(str(v)) >= 4) + " x" * 1000
    assert api.post(EXCEPTIONS, json={"error_class": f"Error{row[0]}", "text": text}).status_code == 202
    (told,) = [m for m in site.outbox("node_event") if m["code"] == "client_app_raised"]
    assert (told["run_id"], told["event"]) == (str(run_id), "client_failed")
    assert told["error_class"] == "Error[value]"
    assert told["text"].startswith("KeyError: [value] [value]")
    assert len(told["text"]) == 300
    assert not [v for r in cohort.rows for v in r if len(str(v)) >= 4 and str(v) in told["text"]]


def test_a_value_at_the_cut_does_not_leave_in_part(site, api):
    text = "x" * 295 + "CANARY-A-0001"
    api.post(EXCEPTIONS, json={"error_class": "E", "text": text})
    (told,) = [m for m in site.outbox("node_event") if m["code"] == "client_app_raised"]
    assert "CANAR" not in told["text"]


def test_an_unexpected_failure_is_answered_without_its_text(site, run_id, review, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    accession = site.agent.store.cohort(review.project_id).values("accession_id")[0]

    def explode(*_):
        raise RuntimeError(f"secret of {accession}")

    monkeypatch.setattr(site.agent.pipeline, "folder_of", explode)
    response = site.api(run_id, raise_server_exceptions=False).post(IMAGES, json=images(review, accession))
    assert refusal(response) == (500, "internal")
    assert "secret" not in response.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_an_unexpected_failure_does_not_go_on_to_the_servers_log(site, run_id, review, monkeypatch):
    def explode(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(site.agent.pipeline, "folder_of", explode)
    accession = site.agent.store.cohort(review.project_id).values("accession_id")[0]
    site.api(run_id).post(IMAGES, json=images(review, accession))


def test_the_api_tells_no_schema(api):
    assert api.get("/openapi.json").status_code == 404

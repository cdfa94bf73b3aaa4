"""Everything the hub and an app can ask, over a hospital full of canaries: none is logged, none is told."""

import dataclasses
import hashlib
import io
import json
import logging
import shutil
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pydicom import dcmread

from flip_contracts.tasks import (
    CloseProject,
    CohortCount,
    DecideProject,
    LeaveRun,
    ReviewCode,
    StartNode,
    TaskType,
)
from flip_trust.enrich.cli import enrich
from flip_trust.enrich.matching import Match
from flip_trust.errors import OptOutFileInvalid
from flip_trust.imaging.drivers.folder import FolderDriver
from flip_trust.ledger.export import as_csv, as_fhir
from flip_trust.optouts.service import read_csv


@pytest.fixture
def small_archive(site, hospital, tmp_path):
    """Three of the studies: converting all of them takes long. The others are missing, which is told too."""
    kept = {accession for accession, _, _ in hospital.accessions[:3]}
    for study in hospital.dicom.iterdir():
        if dcmread(study / "IM0001", specific_tags=["AccessionNumber"]).AccessionNumber in kept:
            shutil.copytree(study, tmp_path / "few" / study.name)
    site.agent.pipeline.driver = FolderDriver(tmp_path / "few")


def test_no_canary_is_logged_or_leaves(site, hospital, small_archive, caplog, capfd):
    for name in ("httpx", "httpcore"):  # here it is the app's side that calls, and writes down what it asked
        caplog.set_level(logging.WARNING, name)
    caplog.set_level(logging.DEBUG)  # last: it sets the handler's level too
    agent, done = site.agent, set()

    def do(payload):
        done.add(payload.type)
        return site.do(payload)

    # --- cohorts, good and bad ---
    project_id = uuid4()
    person = "SELECT person_id FROM omop.person"
    for sql in (
        site.demo_query(),
        person,
        f"{person} WHERE year_of_birth > 1000",  # too close to the one before
        "SELECT person_id, alg_system, image_occurrence_id FROM omop.image_feature",
        "SELECT person_id, person_source_value FROM omop.person",
        f"{person} WHERE person_source_value = 'x'",
        "SELECT accession_id FROM omop.image_occurrence WHERE cast(accession_id AS INT) > 1",  # the driver quotes it
        "SELECT accession_id, cast(accession_id AS DATE) AS d FROM omop.image_occurrence",
        "SELECT person_id FROM read_csv('/etc/passwd')",
        "SELECT person_id, concat('',",
    ):
        do(CohortCount(query_id=uuid4(), project_id=project_id, sql=sql, asked_by=project_id))

    # --- decisions ---
    review = site.review(imaging=True)
    done.add(review.type)
    agent.approvals.approve(review.project_id, "for spleens", expires_days=10)
    agent.approvals.decline(site.review().project_id)
    agent.approvals.withdraw(site.approved().project_id)
    agent._prepare(review.project_id)  # all the images, in this thread

    # --- what else the staff decide, and the hub asks for ---
    do(DecideProject(project_id=review.project_id, query_id=review.query_id, action="renew", asked_by="Dr H"))
    (agent.settings.data_dir / "policy.yaml").write_text("decisions:\n  at_hub: allowed\n")
    do(DecideProject(project_id=review.project_id, query_id=review.query_id, action="renew", asked_by="Dr H"))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as zipped:
        zipped.writestr("app.py", f"patient = '{hospital.accessions[0][0]}'")  # a researcher cannot know one, but may
    agent._tools = dataclasses.replace(agent._tools, fetch_fab=lambda _: sink.getvalue())
    ask = {"project_id": review.project_id, "model_id": uuid4(), "model_name": "m"}
    sha256 = hashlib.sha256(sink.getvalue()).hexdigest()
    for wanted in (sha256, "0" * 64):
        do(ReviewCode(**ask, fab_sha256=wanted))
    agent.code.approve(review.project_id, sha256, "Dr A")

    # --- a run ---
    join = site.join(review)
    run_id = join.signed.manifest.run_id
    for payload in (join, site.join(review, query_id=uuid4()), StartNode(run_id=run_id), StartNode(run_id=uuid4())):
        do(payload)
    site.eventually(lambda: len(site.outbox("node_event")) >= 2)

    # --- its app ---
    api, token = site.api(run_id, raise_server_exceptions=False), site.token(run_id)
    project, accession = str(review.project_id), hospital.accessions[0][0]
    rows = api.get("/data/v1/cohort", params={"project_id": project}).json()["rows"]
    assert "CANARY" in json.dumps(rows)  # the app does see it
    api.get("/data/v1/cohort", params={"project_id": project, "query": accession})
    api.get("/data/v1/cohort", params={"project_id": accession})
    for name in (accession, f"{accession}0"):
        for kind in ("ALL", "SEGMENTATION", accession):
            body = {"project_id": project, "accession_id": name, "resource_types": [kind]}
            api.post("/data/v1/images", json=body)
    for name, kind in (("label_1.nii.gz", "SEGMENTATION"), (f"{accession}.nii.gz", "NIFTI"), (accession, "DICOM")):
        for whose in (accession, f"{accession}0"):
            params = {"project_id": project, "accession_id": whose, "resource_type": kind, "name": name}
            api.post("/data/v1/resources", params=params, content=accession.encode())
    matches = [
        Match(2, whose, Path(__file__), name) for whose in (accession, "", "CANARY") for name in ("a.json", "CANARY")
    ]
    told_to_staff = enrich(agent.images, review.project_id, matches, "Ann", shared=False)
    assert "CANARY" not in repr((told_to_staff, matches))
    point = {"id": str(uuid4()), "label": "LOSS", "value": 1, "round": 1, "at": datetime.now(UTC).isoformat()}
    for changes in (
        {},
        {"label": accession},
        {"client_name": f"at {accession}"},
        {"x_label": accession},
        {"value": accession},
        {"round": accession},
    ):
        api.post("/data/v1/metrics", json={"points": [point | changes]})
    for row in rows:
        api.post("/data/v1/exceptions", json={"error_class": f"E{row[0]}", "text": f"{row} {'x' * 270}{row[0]}"})
    api.post("/data/v1/exceptions", json={"error_class": accession * 100, "text": accession})

    # --- somebody opts out while it is on ---
    (person,) = agent.store.one("SELECT person_id FROM cohort_owners WHERE accession_id = ?", accession)
    agent.optouts.add(read_csv(f"person_id\n{person}\n".encode()), "Dr A")
    with pytest.raises(OptOutFileInvalid):
        read_csv(f"{accession}\n".encode())
    api.post("/data/v1/exceptions", json={"error_class": accession, "text": f"still {accession}"})
    agent.apply_decisions()
    do(LeaveRun(run_id=run_id))
    do(CloseProject(project_id=review.project_id))
    time.sleep(0.15)  # the follower's last look
    assert done == set(TaskType)
    told = site.outbox()
    kinds = {"task_result", "decision", "imaging", "metrics", "node_event", "code_decision"}
    assert {m["kind"] for m in told} == kinds
    assert [m["code"] for m in told if m["kind"] == "node_event" and m["event"] == "left"] == ["people_removed"]
    final = [m for m in told if m["kind"] == "imaging" and m["final"]][-1]  # who opted out had it begun anew
    assert (final["stages"], final["excluded"]) == ({}, {})  # 3 and 9 are too few to tell
    assert {"READY", "EXCLUDED", "accession_not_found"} <= set(final["suppressed"])

    agent.witness.messages(agent.store.messages(10_000))  # as the outbox does before it sends
    entries = list(agent.what_left.everything())
    assert {"sent", "refused", "noted"} == {entry.outcome for entry in entries}
    outside = {"log": caplog.text, "outbox": json.dumps(told), "terminal": "".join(capfd.readouterr())}
    outside["what left"] = agent.what_left.path.read_bytes().decode("latin-1")
    outside["exports"] = "".join([*as_csv(entries), *as_fhir(entries, "trust-alpha")])
    assert caplog.records
    for place, text in outside.items():
        assert "CANARY" not in text, place
        assert token not in text, place
    assert not [f for f in (agent.settings.data_dir / "imaging").rglob("*") if "CANARY" in f.name]

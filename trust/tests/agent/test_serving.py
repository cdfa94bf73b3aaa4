"""The agent while it serves: the way out, the data API, SuperNodes, and that nothing is left or leaks."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from flip_contracts.messages import ImagingMessage, NodeEvent
from flip_contracts.tasks import LeaveRun, StartNode
from flip_trust.store import Store


def imaging(number: int) -> ImagingMessage:
    return ImagingMessage(id=uuid4(), project_id=uuid4(), stages={"READY": number}, final=False)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Run:
    """A run that this trust has started, seen as its ClientApp sees it."""

    def __init__(self, site, hub):
        self.site, self.review = site, site.approved()
        join = hub.join(self.review)
        self.id = join.signed.manifest.run_id
        assert hub.ask(join).error is None
        assert hub.ask(StartNode(run_id=self.id)).error is None
        self.folder = site.agent.supervisor.folder(self.id)
        self.spec = json.loads((self.folder / "spec.json").read_text())
        env = self.spec["app_env"]
        self.http = httpx.Client(
            base_url=env["FLIP_URL"], headers={"authorization": f"Bearer {env['FLIP_RUN_TOKEN']}"}, trust_env=False
        )
        self.child = int(site.eventually(lambda: (p := self.folder / "child.pid").exists() and p.read_text()))
        self.pid = site.agent.store.run(self.id).pid


@pytest.fixture
def run(site, hub):
    site.serve()
    return Run(site, hub)


def test_messages_survive_a_restart_and_an_offline_hub_in_order(site, hub):
    hub.down = True
    for number in range(150):
        site.agent.outbox.put(imaging(number))
    site.agent.store.close()
    site.agent = site.fresh_agent()
    site.serve()
    time.sleep(0.2)
    assert not hub.messages
    hub.down = False
    site.eventually(lambda: len(hub.messages) == 150)
    assert [m.stages["READY"] for m in hub.messages] == list(range(150))
    site.eventually(lambda: not site.agent.store.messages(1))


def test_a_message_that_the_hub_never_takes_does_not_hold_up_the_others(site, hub):
    poison, rejected, good = imaging(1), imaging(2), imaging(3)
    hub.unreadable = {poison.id}
    for message in (poison, good):
        site.agent.outbox.put(message)
    site.serve()
    site.eventually(lambda: [m.id for m in hub.messages] == [good.id])
    hub.rejects = {"imaging"}
    site.agent.outbox.put(rejected)
    site.eventually(lambda: len(site.agent.store.dead_letters()) == 2)
    assert dict(site.agent.store.dead_letters()) == {
        str(poison.id): "invalid_request",
        str(rejected.id): "message_refused",
    }


def test_the_cohort_and_images_are_for_the_runs_own_token_and_project(run):
    params = {"project_id": str(run.review.project_id), "query": "*"}
    body = run.http.get("/data/v1/cohort", params=params).json()
    assert len(body["rows"]) == 12
    assert body["columns"][0] == {"name": "accession_id", "type": "string"}
    assert run.http.get("/data/v1/cohort", params=params | {"query": run.review.sql}).status_code == 200

    def refused(response: httpx.Response) -> tuple[int, str]:
        problem = response.json()
        assert set(problem) == {"code", "message", "details", "request_id"}
        return response.status_code, problem["code"]

    def image(accession: str, kind: str = "NIFTI") -> httpx.Response:
        wanted = {"project_id": params["project_id"], "accession_id": accession, "resource_types": [kind]}
        return run.http.post("/data/v1/images", json=wanted)

    ask = run.http.get
    assert refused(ask("/data/v1/cohort", params=params | {"query": "SELECT 1"})) == (409, "cohort_query_mismatch")
    assert refused(ask("/data/v1/cohort", params=params | {"project_id": str(uuid4())})) == (403, "not_approved")
    assert refused(ask("/data/v1/cohort", params=params, headers={"authorization": "Bearer x"})) == (
        401,
        "token_refused",
    )
    assert refused(image("ELSEWHERE-1")) == (404, "accession_not_found")
    assert refused(image(body["rows"][0][0])) == (404, "accession_not_found")  # the archive is empty
    assert refused(image(body["rows"][0][0], "SECRETS")) == (422, "invalid_request")


def test_metrics_and_exceptions_leave_at_once_and_scrubbed(run, hub, site):
    point = {"id": str(uuid4()), "label": "LOSS", "value": 1.0, "round": 1, "at": "2026-01-01T00:00:00+00:00"}
    point |= {"client_name": "CANARY-A-0001"}
    asked = time.monotonic()
    assert run.http.post("/data/v1/metrics", json={"points": [point]}).status_code == 202
    site.eventually(lambda: hub.of("metrics"))
    assert hub.times[hub.messages.index(hub.of("metrics")[0])] - asked < 0.9  # woken: by itself it looks once a second
    named = run.http.post("/data/v1/metrics", json={"points": [point | {"label": "CANARY-A-0001"}]})
    assert (named.status_code, named.json()["code"]) == (422, "metric_refused")

    body = {"error_class": "CANARY-A-0002", "text": "x" * 200 + " CANARY-A-0001 " + "x" * 500}
    assert run.http.post("/data/v1/exceptions", json=body).status_code == 202
    told = site.eventually(lambda: [m for m in hub.of("node_event") if m.code == "client_app_raised"])[0]
    assert "[value]" in told.text
    assert "[value]" in told.error_class
    assert len(told.text) <= 300


def test_a_supernode_tells_its_events_and_is_ended_with_its_children(run, hub, site):
    events = site.eventually(lambda: len(hub.of("node_event")) >= 2 and hub.of("node_event"))
    assert [(e.event, e.text) for e in events] == [("started", ""), ("client_failed", "no [value]")]
    assert "HUB_SECRET" not in (run.folder / "env.txt").read_text()
    assert (run.folder / "spec.json").stat().st_mode & 0o777 == 0o600

    took = site.stop()  # it ignores SIGTERM, so it is killed
    assert took < 5
    assert not alive(run.pid)
    assert not alive(run.child)


def test_leaving_a_run_and_withdrawing_end_it_at_once(run, hub, site):
    other = Run(site, hub)
    assert hub.ask(LeaveRun(run_id=run.id)).error is None
    assert not alive(run.pid)
    assert not alive(run.child)
    assert not run.folder.exists()
    assert run.http.get("/data/v1/cohort", params={"project_id": str(run.review.project_id)}).status_code == 401
    assert alive(other.pid)

    env = {f"FLIP_TRUST_{k.upper()}": str(v) for k, v in site.settings.model_dump(exclude_unset=True).items()}
    code = f"from flip_trust.cli import app; app(['withdraw', '{other.review.project_id}'])"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **env}, check=True, capture_output=True)
    site.eventually(lambda: not alive(other.pid) and not alive(other.child) and not other.folder.exists(), 2)
    assert [m.decision.decision for m in hub.of("decision")][-1] == "WITHDRAWN"


def test_what_a_killed_agent_left_is_ended_at_the_next_start_and_takes_part_anew(run, site, hub):
    first = site.agent.store.run(run.id).public_key
    after = site.fresh_agent()
    after.supervisor.clean_up_after_crash()
    site.eventually(lambda: not alive(run.child))
    asked = site.eventually(lambda: [m for m in hub.of("node_event") if m.event == NodeEvent.REJOIN])
    assert {m.run_id for m in asked} == {run.id}
    assert all(m.public_key and m.public_key != first for m in asked)


def test_an_imaging_project_tells_its_counts_to_the_end(site, hub):
    site.serve()
    review = site.review(imaging=True)
    assert hub.ask(review).error is None
    site.agent.approvals.approve(review.project_id)
    site.agent.apply_decisions()
    last = site.eventually(lambda: [m for m in hub.of("imaging") if m.final])[0]
    assert last.excluded
    assert sum(last.excluded.values()) in (10, 20)  # they are 12


def test_no_patient_value_is_logged_or_told(run, hub, site, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    run.http.get("/data/v1/cohort", params={"project_id": str(run.review.project_id)})
    run.http.post("/data/v1/exceptions", json={"error_class": "E", "text": "CANARY-A-0003"})
    site.eventually(lambda: len(hub.of("node_event")) >= 3)
    assert "CANARY" not in caplog.text
    assert run.spec["app_env"]["FLIP_RUN_TOKEN"] not in caplog.text
    assert not [b for b in hub.bodies if b"CANARY" in b]


def test_state_is_for_the_agents_account_only(site):
    folder = site.settings.data_dir
    Store(folder / "agent.db").close()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {f.stat().st_mode & 0o777 for f in (*folder.glob("agent.db*"), *folder.glob("keys/*"))} == {0o600}

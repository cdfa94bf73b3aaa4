"""Enrolment, leases and messages."""

import base64
import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from hub.tests.conftest import QUERY
from sqlalchemy import select, update

from flip_hub.db import now
from flip_hub.trusts import service
from flip_hub.trusts.tables import TaskRow, Trust


def asked(hub, agent):
    project = hub.researcher.post("projects", {"name": "P", "purpose": "x", "kind": "imaging"})
    body = {"sql": QUERY, "trusts": [agent.name]}
    return hub.researcher.post(f"projects/{project['id']}/cohort-queries", body)


def test_a_code_enrols_once(hub):
    code = hub.admin.post("trusts", {"name": "alpha"})["enrolment_code"]
    body = {
        "code": code,
        "public_key": base64.b64encode(bytes(32)).decode(),
        "agent_version": "1",
        "protocol_version": 1,
    }
    assert hub.client.post("/api/trust/v1/enrol", json=body).status_code == 200
    again = hub.client.post("/api/trust/v1/enrol", json=body)
    assert (again.status_code, again.json()["code"]) == (401, "enrolment_code_invalid")
    old = hub.client.post("/api/trust/v1/enrol", json={**body, "protocol_version": 0})
    assert old.json()["code"] == "agent_protocol_unsupported"


def test_a_leased_task_is_not_given_twice_and_comes_back_when_the_lease_ends(hub):
    alpha = hub.trust("alpha")
    asked(hub, alpha)
    (task,) = alpha.claim()
    assert alpha.claim() == []
    with hub.database.session() as session:
        session.execute(update(TaskRow).values(lease_expires_at=now() - timedelta(seconds=1)))
    (again,) = alpha.claim()
    assert (again["id"], again["attempt"]) == (task["id"], 2)


def test_a_task_tried_five_times_fails_by_name(hub):
    alpha = hub.trust("alpha")
    query = asked(hub, alpha)
    with hub.database.session() as session:
        session.execute(update(TaskRow).values(attempt=service.MAX_ATTEMPTS))
    assert alpha.claim() == []
    (answer,) = hub.researcher.get(f"cohort-queries/{query['id']}")["answers"]
    assert answer["error"]["code"] == "task_attempts_exhausted"


@pytest.mark.commits
def test_two_claimers_never_share_a_task(hub):
    alpha = hub.trust("alpha")
    for _ in range(1):
        asked(hub, alpha)
    with hub.database.session() as one:
        trust = one.scalar(select(Trust).where(Trust.name == "alpha"))
        first = service.claim(one, trust, 10)
        with hub.database.engine.connect() as other:
            held = other.execute(select(TaskRow.id).with_for_update(skip_locked=True)).all()
    assert (len(first), held) == (1, [])


@pytest.mark.commits
def test_the_long_poll_answers_as_soon_as_there_is_work(hub):
    alpha = hub.trust("alpha")
    found: list = []

    def poll():
        started = time.monotonic()
        tasks = alpha.call("tasks/claim?wait=10", {"max_tasks": 1}).json()["tasks"]
        found.append((tasks, time.monotonic() - started))

    thread = threading.Thread(target=poll)
    thread.start()
    time.sleep(0.7)
    asked(hub, alpha)
    thread.join(12)
    ((tasks, seconds),) = found
    assert len(tasks) == 1
    assert seconds < 9  # it would have waited for ten


def test_a_message_counts_once_and_a_bad_one_stops_no_other(hub):
    alpha = hub.trust("alpha")
    query = asked(hub, alpha)
    (task,) = alpha.claim()
    good = {
        "id": str(uuid4()),
        "kind": "task_result",
        "task_id": task["id"],
        "error": {"code": "engine_failed", "message": "No."},
    }
    bad = {"id": str(uuid4()), "kind": "task_result", "task_id": str(uuid4())}
    for _ in range(2):
        receipt = alpha.call("messages", {"messages": [bad, good]}).json()
        assert receipt["accepted"] == [good["id"]]
        assert receipt["rejected"][0]["code"] == "message_refused"
    (answer,) = hub.researcher.get(f"cohort-queries/{query['id']}")["answers"]
    assert answer["state"] == "error"


def test_one_trust_cannot_answer_for_another(hub):
    alpha, beta = hub.trust("alpha"), hub.trust("beta")
    asked(hub, alpha)
    (task,) = alpha.claim()
    assert beta.answer(task, {})["rejected"][0]["code"] == "message_refused"

"""What a trust's own word does to a run at the hub: its staff look at the app first, or it leaves by itself."""

import base64
import hashlib
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from flip_contracts.messages import CodeDecision, CodeDecisionMessage
from flip_contracts.statuses import Decision
from flip_contracts.wire import canonical_bytes
from flip_hub.db import now
from flip_hub.runs.tables import Run

WAITS = {"code": "code_not_approved", "message": "The app waits for a review by this trust's staff."}


@pytest.fixture
def story(hub):
    alpha, beta = hub.trust("alpha"), hub.trust("beta")
    project = hub.approved_project(alpha, beta)
    return hub, alpha, beta, project, hub.model(project)


def initiate(hub, model, **body) -> UUID:
    run_id = UUID(hub.researcher.post(f"models/{model['id']}/runs", body)["id"])
    hub.settle()
    return run_id


def take(agent, kind: str) -> dict:
    (task,) = agent.claim()
    assert task["payload"]["type"] == kind
    return task


def online(hub, run_id, agent) -> None:
    agent.answer(take(agent, "join_run"), {"public_key": f"ecdsa {agent.name}"})
    hub.settle()
    agent.answer(take(agent, "start_node"), {})
    hub.fl.online(run_id, agent.name)
    hub.settle()


def decide(agent, payload: dict, decision: Decision = Decision.APPROVED, key=None, files_sha256: str = "") -> dict:
    made = CodeDecision(
        project_id=payload["project_id"],
        model_id=payload["model_id"],
        trust=agent.name,
        fab_sha256=payload["fab_sha256"],
        files_sha256=files_sha256,
        decision=decision,
        decided_at=now(),
        decided_by="Dr A",
    )
    signature = base64.b64encode((key or agent.key).sign(canonical_bytes(made))).decode()
    message = CodeDecisionMessage(id=uuid4(), decision=made, signature=signature)
    return agent.send(**message.model_dump(mode="json"))


def read(hub, run_id) -> dict:
    return hub.researcher.get(f"runs/{run_id}")


def states(hub, run_id) -> dict[str, str]:
    return {t["trust"]: t["state"] for t in read(hub, run_id)["trusts"]}


def test_a_run_waits_for_a_review_and_goes_on_after_it(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model, options={"min_trusts": 2})
    alpha.answer(take(alpha, "join_run"), error=WAITS)
    online(hub, run_id, beta)
    run = read(hub, run_id)
    assert (run["state"], run["reason_code"]) == ("starting", "waiting_for_code_review")
    assert states(hub, run_id) == {"alpha": "code_review", "beta": "online"}
    assert run["trusts"][0]["reason"] == "code waits for review at alpha"

    review = take(alpha, "review_code")
    payload = review["payload"]
    token = {"authorization": f"Bearer {alpha.token}"}
    fab = hub.client.get(f"/api/trust/v1/fabs/{payload['fab_sha256']}", headers=token)
    assert hashlib.sha256(fab.content).hexdigest() == payload["fab_sha256"]
    others = {"authorization": f"Bearer {beta.token}"}
    assert hub.client.get(f"/api/trust/v1/fabs/{payload['fab_sha256']}", headers=others).json()["code"] == "fab_unknown"
    alpha.answer(review, {})

    with hub.database.session() as session:  # people take longer than the limit for machines
        session.get_one(Run, run_id).starting_at = now() - timedelta(seconds=hub.settings.join_seconds + 5)
    hub.settle()
    assert read(hub, run_id)["state"] == "starting"
    assert decide(alpha, payload, files_sha256="a" * 64)["rejected"] == []  # of the same bundle with weights beside it
    assert states(hub, run_id)["alpha"] == "code_review"
    assert decide(alpha, payload)["rejected"] == []
    assert read(hub, run_id)["reason_code"] == "waiting_for_trusts"
    online(hub, run_id, alpha)
    assert (read(hub, run_id)["state"], states(hub, run_id)) == ("running", {"alpha": "online", "beta": "online"})
    kinds = [e["kind"] for e in hub.researcher.get(f"runs/{run_id}/events")["events"]]
    assert kinds.index("trust_code_review") < kinds.index("trust_code_approved")
    again = hub.admin.get("audit?action=code.approved")["items"]
    assert [(a["details"]["by"], a["details"]["files"]) for a in again] == [("Dr A", ""), ("Dr A", "a" * 64)]


def test_a_run_that_waits_for_people_leaves_its_slot_to_others(story):
    hub, alpha, _, project, model = story
    waiting = initiate(hub, model, trusts=["alpha"])
    alpha.answer(take(alpha, "join_run"), error=WAITS)
    hub.settle()
    other = initiate(hub, hub.model(project), trusts=["beta"])
    assert states(hub, other) == {"beta": "asked"}
    assert read(hub, other)["state"] == "starting"
    assert read(hub, waiting)["state"] == "starting"


def test_enough_others_do_not_wait_and_the_reason_says_why_one_is_missing(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    alpha.answer(take(alpha, "join_run"), error=WAITS)
    online(hub, run_id, beta)
    with hub.database.session() as session:
        session.get_one(Run, run_id).starting_at = now() - timedelta(seconds=hub.settings.join_seconds + 5)
    hub.settle()
    run = read(hub, run_id)
    assert run["state"] == "running"
    assert {t["trust"]: t["reason"] for t in run["trusts"]}["alpha"] == "code waits for review at alpha"


def test_code_that_is_declined_or_not_looked_at_in_time_ends_the_run_in_words(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model, trusts=["alpha"])
    alpha.answer(take(alpha, "join_run"), error=WAITS)
    review = take(alpha, "review_code")
    forged = decide(alpha, review["payload"], key=beta.key)
    assert [r["code"] for r in forged["rejected"]] == ["message_refused"]
    decide(alpha, review["payload"], Decision.DECLINED)
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], run["reason_code"]) == ("failed", "no_trust_joined")
    assert "alpha has declined the code" in run["reason_text"]

    alpha.answer(review, {})
    for task in alpha.claim():
        alpha.answer(task, {})
    run_id = initiate(hub, model, trusts=["beta"])
    beta.answer(take(beta, "join_run"), error=WAITS)
    with hub.database.session() as session:
        session.get_one(Run, run_id).starting_at = now() - timedelta(seconds=hub.settings.code_review_seconds + 5)
    hub.settle()
    run = read(hub, run_id)
    assert run["state"] == "failed"
    assert "code waits for review at beta" in run["reason_text"]


def test_a_trust_that_leaves_by_its_own_word_is_left_out_and_the_rest_goes_on(story):
    hub, alpha, beta, _, model = story
    run_id = initiate(hub, model)
    online(hub, run_id, alpha)
    online(hub, run_id, beta)
    assert read(hub, run_id)["state"] == "running"
    left = {"run_id": str(run_id), "event": "left", "code": "people_removed", "text": "Why.", "at": now().isoformat()}
    assert alpha.send(kind="node_event", **left)["rejected"] == []
    hub.settle()
    run = read(hub, run_id)
    assert (run["state"], states(hub, run_id)) == ("running", {"alpha": "left", "beta": "online"})
    assert {t["trust"]: t["reason"] for t in run["trusts"]}["alpha"] == "Why."
    beta.send(kind="node_event", **left)
    hub.settle()
    assert read(hub, run_id)["state"] == "stopped"

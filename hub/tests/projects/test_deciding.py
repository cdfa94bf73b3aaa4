"""A trust's admin decides in the hub's page: the hub asks, the trust answers, and only its signature counts."""

import pytest
from hub.tests.conftest import QUERY, Person

from flip_contracts.statuses import Decision
from flip_hub.users.service import create_user


@pytest.fixture
def staged(hub):
    alpha, beta = hub.trust("alpha"), hub.trust("beta")
    project = hub.researcher.post("projects", {"name": "P", "purpose": "x", "kind": "imaging"})
    hub.researcher.post(f"projects/{project['id']}/cohort-queries", {"sql": QUERY})
    for agent in (alpha, beta):
        agent.answer_count(40)
    project = hub.researcher.post(f"projects/{project['id']}/stage", {"trusts": ["alpha", "beta"]}, 200)
    for agent in (alpha, beta):
        (task,) = agent.claim()
        agent.answer(task, {})
    with hub.database.session() as session:
        create_user(session, "test", "ta@x.example", "Dr Admin", "trust_admin", "a long password", trusts=["alpha"])
    body = {"email": "ta@x.example", "password": "a long password"}
    person = Person(hub.client, hub.client.post("/api/v1/auth/login", json=body).json()["token"])
    return hub, alpha, beta, project, person


def allow(agent, word: str = "allowed") -> None:
    beat = {"agent_version": "1", "protocol_version": 1, "components": {"hub_decisions": word}}
    assert agent.call("heartbeat", beat).status_code == 204


def of(hub, project, name: str) -> dict:
    return next(t for t in hub.researcher.get(f"projects/{project['id']}")["trusts"] if t["trust"] == name)


def path(hub, project, name: str) -> str:
    return f"projects/{project['id']}/trusts/{of(hub, project, name)['trust_id']}/decision"


def test_the_trust_is_asked_and_its_own_signature_decides(staged):
    hub, alpha, _, project, admin = staged
    allow(alpha)
    assert of(hub, project, "alpha")["decides_here"]
    body = {"action": "approve", "conditions": "only spleens", "expires_days": 30}
    asked = admin.post(path(hub, project, "alpha"), body, 202)
    assert asked["status"] == "STAGED"
    (task,) = alpha.claim()
    told = {k: v for k, v in task["payload"].items() if k not in ("project_id", "query_id")}
    assert told == {"type": "decide_project", "asked_by": "Dr Admin", **body}
    assert of(hub, project, "alpha")["hub_request"]["state"] == "waiting"
    alpha.answer(task, {})
    now = of(hub, project, "alpha")
    assert (now["decision"], now["hub_request"]["state"]) == ("PENDING", "done")  # nothing is signed yet
    alpha.decide(project, QUERY, conditions="only spleens")
    now = of(hub, project, "alpha")
    assert (now["decision"], now["conditions"]) == ("APPROVED", "only spleens")
    assert admin.refused("POST", path(hub, project, "alpha"), json={"action": "approve"}) == "decision_impossible"
    admin.post(path(hub, project, "alpha"), {"action": "withdraw"}, 202)
    (task,) = alpha.claim()
    refusal = {"code": "decide_at_the_hospital", "message": "Decide at the hospital."}
    alpha.answer(task, error=refusal)
    request = of(hub, project, "alpha")["hub_request"]
    assert (request["state"], request["code"], request["message"]) == ("refused", *refusal.values())
    assert of(hub, project, "alpha")["decision"] == Decision.APPROVED


def test_who_may_not_ask_is_told_why_and_the_trust_is_not_bothered(staged):
    hub, alpha, beta, project, admin = staged
    approve = {"action": "approve"}
    assert admin.refused("POST", path(hub, project, "alpha"), json=approve) == "decide_at_the_hospital"
    allow(alpha, "refused")
    allow(beta)
    assert admin.refused("POST", path(hub, project, "alpha"), json=approve) == "decide_at_the_hospital"
    assert admin.refused("POST", path(hub, project, "beta"), json=approve) == "not_your_trust"
    assert hub.researcher.refused("POST", path(hub, project, "beta"), json=approve) == "forbidden"
    assert hub.admin.refused("POST", path(hub, project, "beta"), json=approve) == "forbidden"
    allow(alpha)
    assert admin.refused("POST", path(hub, project, "alpha"), json={"action": "forge"}) == "invalid_request"
    for impossible in ("withdraw", "renew"):
        assert admin.refused("POST", path(hub, project, "alpha"), json={"action": impossible}) == "decision_impossible"
    assert (alpha.claim(), beta.claim()) == ([], [])

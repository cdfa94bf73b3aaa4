"""What a trust's admin is shown of what came here: every kind, counted, and nothing of another trust."""

from uuid import UUID, uuid4

from hub.tests.conftest import QUERY, Person
from hub.tests.rows import make_run
from sqlalchemy import select

from flip_contracts.messages import MetricPoint
from flip_contracts.statuses import Decision
from flip_hub.db import now
from flip_hub.metrics.service import store
from flip_hub.runs.service import add_event
from flip_hub.trusts.tables import Trust
from flip_hub.users.service import create_user


def _staff(hub, trust: str) -> Person:
    body = {"email": f"{trust}@x.example", "password": "a long password"}
    with hub.database.session() as session:
        create_user(session, "test", body["email"], "T", "trust_admin", body["password"], trusts=[trust])
    return Person(hub.client, hub.client.post("/api/v1/auth/login", json=body).json()["token"])


def _id(hub, name: str) -> str:
    return next(one["id"] for one in hub.admin.get("trusts") if one["name"] == name)


def test_answers_decisions_metrics_and_updates_are_counted_and_are_of_this_trust_alone(hub):
    alpha, beta = hub.trust("alpha"), hub.trust("beta")
    project = hub.approved_project(alpha, beta)
    beta.decide(project, QUERY, Decision.WITHDRAWN)
    run = make_run(hub, UUID(project["id"]), "alpha", "beta")
    exchanged = {"phase": "train", "round": 1, "queued_at": 1.0, "sent_bytes": 9, "replied_at": 2.0, "error": ""}
    told = [
        {**exchanged, "trust": "alpha", "reply_bytes": 1000},
        {**exchanged, "trust": "alpha", "reply_bytes": 500},
        {**exchanged, "trust": "beta", "reply_bytes": 7},
        {**exchanged, "trust": "alpha", "reply_bytes": 0},
    ]
    with hub.database.session() as session:
        trust = session.scalars(select(Trust).where(Trust.name == "alpha")).one()
        points = [MetricPoint(id=uuid4(), label="LOSS", value=1.0, round=n, at=now()) for n in (1, 2, 3)]
        store(session, run, trust, points)
        add_event(session, run, "exchanges", trusts=told)

    found = _staff(hub, "alpha").get(f"trusts/{_id(hub, 'alpha')}/received")
    by_kind = {one["kind"]: one for one in found}
    assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)
    assert (by_kind["updates"]["pieces"], by_kind["updates"]["size_bytes"]) == (2, 1500)
    assert (by_kind["metrics"]["pieces"], by_kind["metrics"]["run_id"]) == (3, str(run))
    assert by_kind["decision"]["text"] == "A signed decision: approved."
    assert by_kind["cohort_answer"]["project"] == project["name"]
    others = {one["kind"]: one for one in hub.admin.get(f"trusts/{_id(hub, 'beta')}/received")}
    assert others["updates"]["size_bytes"] == 7
    assert others["decision"]["text"] == "A signed decision: withdrawn."
    assert "metrics" not in others


def test_a_trust_admin_sees_what_the_own_trust_sent_and_no_other(hub):
    hub.trust("alpha")
    hub.trust("beta")
    assert _staff(hub, "alpha").refused("GET", f"trusts/{_id(hub, 'beta')}/received") == "forbidden"
    assert hub.researcher.refused("GET", f"trusts/{_id(hub, 'alpha')}/received") == "forbidden"
    assert hub.admin.refused("GET", f"trusts/{uuid4()}/received") == "not_found"

"""A trust's key and token change while it works; the hub takes both for a while, then only the new."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from flip_contracts.messages import RotateRequest, Rotation
from flip_contracts.statuses import Decision
from flip_contracts.wire import canonical_bytes
from flip_hub.db import now
from flip_hub.trusts.enrolment import HANDOVER_LIFE
from flip_hub.trusts.tables import RetiredKey, Trust

SQL = "SELECT person_id, year_of_birth FROM omop.person"


def text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)).decode()


def sign(key: Ed25519PrivateKey, message) -> str:
    return base64.b64encode(key.sign(canonical_bytes(message))).decode()


def request(agent, new: Ed25519PrivateKey, by=None, by_new=None, **changes) -> dict:
    told = Rotation(**{"public_key": text(new), "previous_key": text(agent.key), "asked_at": now()} | changes)
    made = RotateRequest(
        rotation=told, signature=sign(by or agent.key, told), signature_by_new=sign(by_new or new, told)
    )
    return made.model_dump(mode="json")


@pytest.fixture
def alpha(hub):
    return hub.trust("alpha")


def test_the_old_token_works_until_the_new_one_is_used(hub, alpha):
    new = Ed25519PrivateKey.generate()
    answer = alpha.call("rotate", request(alpha, new))
    assert answer.status_code == 200
    assert alpha.claim() == []
    old, alpha.token = alpha.token, answer.json()["token"]
    assert alpha.claim() == []
    alpha.token = old
    assert alpha.call("tasks/claim?wait=0", {"max_tasks": 1}).status_code == 401


def test_what_the_old_key_signed_before_is_taken_for_a_while_and_then_no_more(hub, alpha):
    project = hub.approved_project(alpha)
    new = Ed25519PrivateKey.generate()
    assert alpha.call("rotate", request(alpha, new)).status_code == 200
    assert alpha.decide(project, SQL, Decision.WITHDRAWN)["rejected"] == []
    old, alpha.key = alpha.key, new
    assert alpha.decide(project, SQL)["rejected"] == []
    alpha.key = old
    with hub.database.session() as session:
        session.execute(update(RetiredKey).values(retired_at=now() - HANDOVER_LIFE - timedelta(seconds=1)))
    (refused,) = alpha.decide(project, SQL, Decision.WITHDRAWN)["rejected"]
    assert "not signed by this trust's key" in refused["message"]
    (asked,) = hub.researcher.get(f"projects/{project['id']}")["trusts"]
    assert asked["decision"] == "APPROVED"


def test_the_old_key_signs_nothing_that_is_dated_after_it(hub, alpha, monkeypatch):
    project = hub.approved_project(alpha)
    old = now() - timedelta(minutes=4)  # so long ago that the grace for slow processes is nearly over
    assert alpha.call("rotate", request(alpha, Ed25519PrivateKey.generate(), asked_at=old)).status_code == 200
    monkeypatch.setattr("hub.tests.conftest.now", lambda: now() + timedelta(minutes=2))
    (refused,) = alpha.decide(project, SQL, Decision.WITHDRAWN)["rejected"]
    assert "not signed" in refused["message"]


def test_a_rotation_is_signed_by_both_keys_names_the_one_before_and_is_fresh(hub, alpha):
    new, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    for body in (
        request(alpha, new, by=other),
        request(alpha, new, by_new=other),
        request(alpha, new, previous_key=text(other)),
        request(alpha, new, asked_at=now() - timedelta(minutes=6)),
        request(alpha, new) | {"signature_by_new": ""},
    ):
        answer = alpha.call("rotate", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "rotation_invalid")
    for key in ("", "x", "AAAA", base64.b64encode(bytes(31)).decode(), text(new).rstrip("=")):
        answer = alpha.call("rotate", request(alpha, new, public_key=key))
        assert answer.json()["code"] == "public_key_invalid"
    with hub.database.session() as session:
        assert session.scalars(select(RetiredKey)).all() == []
        assert session.scalars(select(Trust.public_key)).one() == text(alpha.key)


def test_an_agent_that_lost_the_answer_asks_again_by_its_new_key(hub, alpha):
    new = Ed25519PrivateKey.generate()
    assert alpha.call("rotate", request(alpha, new)).status_code == 200
    assert alpha.call("rotate", request(alpha, new)).json()["code"] == "rotation_invalid"
    answer = alpha.call("rotate", request(alpha, new, by=new))
    assert answer.status_code == 200
    alpha.token = answer.json()["token"]
    assert alpha.claim() == []
    with hub.database.session() as session:
        (kept,) = session.scalars(select(RetiredKey))
        assert kept.public_key == text(alpha.key)
        assert RotateRequest.model_validate(kept.handover).rotation.public_key == text(new)


def test_a_code_that_was_lost_is_made_again_and_a_revoked_trust_is_out_at_once(hub, alpha):
    (trust,) = hub.admin.get("trusts")
    hub.admin.post(f"trusts/{trust['id']}/revoke", status=200)
    assert alpha.call("tasks/claim?wait=0", {"max_tasks": 1}).status_code == 401
    assert hub.admin.get("trusts")[0]["connection"] == "revoked"
    code = hub.admin.post(f"trusts/{trust['id']}/enrolment-code")["enrolment_code"]
    key = Ed25519PrivateKey.generate()
    body = {"code": code, "public_key": text(key), "agent_version": "1", "protocol_version": 1}
    assert (
        hub.client.post("/api/trust/v1/enrol", json=body | {"public_key": "x"}).json()["code"] == "public_key_invalid"
    )
    alpha.token, alpha.key = hub.client.post("/api/trust/v1/enrol", json=body).json()["token"], key
    assert alpha.claim() == []


def test_health_and_versions_of_a_heartbeat_are_shown(hub, alpha):
    told = {"components": {"omop": "ok", "pacs": "missing", "disk": "low"}, "versions": {"agent": "0.1.0"}}
    assert alpha.call("heartbeat", {"agent_version": "0.1.0", "protocol_version": 1} | told).status_code == 204
    (trust,) = hub.researcher.get("trusts")
    assert trust["connection"] == "online"
    assert {name: trust[name] for name in told} == told


def test_a_trust_is_told_where_its_supernodes_will_dial(hub, alpha):
    headers = {"authorization": f"Bearer {alpha.token}"}
    answer = hub.client.get("/api/trust/v1/nets", headers=headers)
    assert answer.status_code == 200
    assert answer.json() == {"nets": []}  # this hub's settings name none
    assert hub.client.get("/api/trust/v1/nets").status_code == 401

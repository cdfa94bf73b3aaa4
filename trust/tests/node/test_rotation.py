"""Keys and tokens change while things go on; what was decided stays verifiable, and nothing else becomes so."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from flip_contracts.messages import ProjectDecision, RotateRequest
from flip_contracts.statuses import Decision
from flip_trust.errors import HubRefused, HubUnreachable
from flip_trust.hub_client import HubClient
from flip_trust.keys import TrustKey, is_signed_by
from flip_trust.rotation import rotate
from flip_trust.settings import NodeSettings
from flip_trust.store import Store


class Node:
    def __init__(self, folder: Path, url: str):
        self.settings = NodeSettings(data_dir=folder, hub_url=url)
        self.store = Store(folder / "agent.db")
        self.store.set_identity(name="trust-alpha", trust_id=str(uuid4()), token="token-0", hub_public_key="")
        self.key = TrustKey(folder / "keys" / "trust.pem")  # as the agent holds it, while another process rotates

    def rotate(self) -> str:
        return rotate(self.settings, self.store)


@pytest.fixture
def node(hub, tmp_path: Path):
    hub.known = None

    def rotated(body: dict[str, Any]) -> dict[str, Any]:
        asked = RotateRequest.model_validate(body)
        hub.known = hub.known or asked.rotation.previous_key
        assert is_signed_by(hub.known, asked.rotation, asked.signature)
        assert is_signed_by(asked.rotation.public_key, asked.rotation, asked.signature_by_new)
        hub.known = asked.rotation.public_key
        return {"token": f"token-{len(hub.asked)}"}

    hub.answer["/api/trust/v1/rotate"] = rotated
    with hub.serving() as port:
        node = Node(tmp_path, f"http://127.0.0.1:{port}")
        yield node
        node.store.close()


def decision(at: datetime) -> ProjectDecision:
    return ProjectDecision(
        project_id=uuid4(),
        query_id=uuid4(),
        trust="trust-alpha",
        decision=Decision.APPROVED,
        sql_sha256="0" * 64,
        decided_at=at,
    )


def test_a_new_key_and_token_are_used_at_once_by_whoever_holds_the_old_ones(node, hub):
    before = node.key.public
    client = HubClient.of(node.settings, node.store)
    public = node.rotate()
    assert node.key.public == public == hub.known != before
    client.nets()
    assert hub.asked[-1][2] == node.store.identity()["token"] != "token-0"
    assert not (node.settings.data_dir / "keys" / "trust-next.pem").exists()


def test_a_request_that_was_under_way_with_the_old_token_is_sent_again_with_the_new(node, hub):
    client = HubClient.of(node.settings, node.store)
    hub.refuse["/api/trust/v1/heartbeat"] = (401, "not_authenticated")
    real = node.store.identity
    tokens = iter(["token-0", "token-1"])
    node.store.identity = lambda: {"token": next(tokens)}  # rotated between the two looks
    with pytest.raises(HubRefused):
        client._post("heartbeat", "{}")
    node.store.identity = real
    assert [token for path, _, token in hub.asked if path.endswith("heartbeat")] == ["token-0", "token-1"]


def test_what_older_keys_signed_stays_verifiable_over_several_rotations(node):
    made = decision(datetime.now(UTC))
    signature = node.key.sign(made)
    for _ in range(3):
        node.rotate()
        assert node.key.verifies(made, signature, made.decided_at)
    assert not node.key.verifies(decision(made.decided_at), signature, made.decided_at)
    assert len(node.key.history()) == 3


def test_an_old_key_signs_nothing_that_is_new(node):
    old = TrustKey(node.settings.data_dir / "keys" / "trust.pem")
    stolen = (node.settings.data_dir / "keys" / "trust.pem").read_bytes()
    node.rotate()
    thief = node.settings.data_dir / "thief"
    thief.mkdir()
    (thief / "trust.pem").write_bytes(stolen)
    late = decision(datetime.now(UTC) + timedelta(hours=1))
    assert not node.key.verifies(late, TrustKey(thief / "trust.pem").sign(late), late.decided_at)
    assert old.public == node.key.public  # it follows the file


def test_a_key_that_is_merely_written_into_the_history_counts_for_nothing(node, tmp_path):
    node.rotate()
    foreign = TrustKey(tmp_path / "foreign" / "trust.pem")
    made = decision(datetime.now(UTC) - timedelta(days=1))
    file = node.settings.data_dir / "keys" / "trust-history.json"
    history = json.loads(file.read_text())
    history[0]["rotation"]["previous_key"] = foreign.public
    file.write_text(json.dumps(history))
    assert not node.key.verifies(made, foreign.sign(made), made.decided_at)


def test_an_answer_that_was_lost_is_asked_for_again(node, hub):
    real = hub.answer["/api/trust/v1/rotate"]

    def lost(body: dict[str, Any]) -> dict[str, Any]:
        real(body)
        return {"token": 5}  # not an answer

    hub.answer["/api/trust/v1/rotate"] = lost
    before = node.key.public
    with pytest.raises(HubRefused, match="hub_answer_malformed"):
        node.rotate()
    assert node.key.public == before != hub.known

    def again(body: dict[str, Any]) -> dict[str, Any]:
        asked = RotateRequest.model_validate(body)
        if not is_signed_by(hub.known, asked.rotation, asked.signature):
            return {"code": "rotation_invalid", "message": "no"}
        return {"token": "token-again"}

    hub.answer["/api/trust/v1/rotate"] = again
    assert node.rotate() == hub.known == node.key.public
    assert node.store.identity()["token"] == "token-again"


def test_a_hub_that_is_away_changes_nothing(node, hub):
    hub.refuse["/api/trust/v1/rotate"] = (503, "unavailable")
    before = node.key.public
    with pytest.raises(HubUnreachable):
        node.rotate()
    assert (node.key.public, node.store.identity()["token"]) == (before, "token-0")
    hub.refuse.clear()
    assert node.rotate() == node.key.public != before

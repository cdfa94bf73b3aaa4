"""Nets by API: added once they answer, filled fairly, drained, removed when empty; their keys never leave."""

from datetime import timedelta
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hub.tests.conftest import Hub
from hub.tests.fake_fl import FakeFl
from hub.tests.rows import make_project, make_run
from sqlalchemy import text

from flip_contracts.statuses import RunState
from flip_hub.db import now
from flip_hub.keys import SecretBox
from flip_hub.nets.directory import NetDirectory
from flip_hub.nets.keeper import ask_health
from flip_hub.nets.tables import NetRow
from flip_hub.runs.tables import Run
from flip_hub.scheduler.views import read_queue

KEY = "a long random key of this net"


def certificate() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now(), now() + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def body() -> dict:
    return {
        "name": "net-2",
        "url": "http://10.0.0.2:8100",
        "key": KEY,
        "ca_pem": certificate(),
        "superlink": "hub.example:8103",
    }


@pytest.fixture
def answering(hub: Hub) -> FakeFl:
    fl = FakeFl()
    hub.client.app.state.nets.connect = lambda url, key: fl
    return fl


def test_a_net_is_added_once_it_answers_and_its_key_stays_here(hub: Hub, body: dict, answering: FakeFl):
    answering.down = True
    assert hub.admin.refused("POST", "nets", json=body) == "net_unreachable"
    answering.down = False
    assert hub.admin.refused("POST", "nets", json={**body, "ca_pem": "no"}) == "net_certificate_invalid"
    assert [net["name"] for net in hub.admin.get("nets")] == ["n"]
    made = hub.admin.post("nets", body)
    assert (made["state"], made["source"], made["slots"], made["open_runs"]) == ("online", "admin", 1, 0)
    assert made["health"]["flwr_version"] == "fake"
    assert hub.admin.refused("POST", "nets", json=body) == "net_name_taken"
    assert KEY not in hub.admin.call("GET", "nets").text
    told = hub.client.get("/api/trust/v1/nets", headers={"authorization": f"Bearer {hub.trust('alpha').token}"}).json()
    assert told["nets"] == [{"superlink": body["superlink"], "ca_pem": body["ca_pem"]}], "a trust can try the way"
    with hub.database.session() as session:
        kept = session.execute(text("SELECT n::text FROM nets n")).scalars().all()
        told = session.execute(text("SELECT details::text FROM audit_events WHERE action = 'net.added'")).scalar()
    assert KEY not in "".join(kept)
    assert KEY not in (told or "")


def test_what_does_not_listen_there_is_not_added(hub: Hub, body: dict):
    for url in ("http://127.0.0.1:1", "http://127.0.0.1:99999"):
        assert hub.admin.refused("POST", "nets", json={**body, "url": url}) == "net_unreachable"
    assert len(hub.admin.get("nets")) == 1


def test_every_process_drives_what_was_added_until_it_is_removed(hub: Hub, body: dict, answering: FakeFl):
    made = hub.admin.post("nets", body)
    box = SecretBox(hub.settings.secret_key_file)
    asked: list[tuple[str, str]] = []

    def connect(url: str, key: str) -> FakeFl:
        asked.append((url, key))
        return FakeFl()

    other = NetDirectory(hub.settings, hub.database, box, connect)
    other.refresh()
    other.refresh()
    ((net, fl),) = other.values()
    assert asked == [(body["url"], KEY)]
    assert (net.superlink, net.ca_file.read_text()) == (body["superlink"], body["ca_pem"])
    assert net.key_file.stat().st_mode & 0o077 == 0
    fl.down = True  # type: ignore[attr-defined]
    ask_health(hub.database, UUID(made["id"]), fl)
    assert next(net for net in hub.admin.get("nets") if net["name"] == "net-2")["health"] is None
    hub.admin.call("PATCH", f"nets/{made['id']}", json={"draining": True})
    assert hub.admin.call("DELETE", f"nets/{made['id']}").status_code == 204
    other.refresh()
    assert len(other) == 0
    again = hub.admin.post("nets", body)
    assert again["id"] == made["id"]
    assert again["draining"] is False


def test_a_drained_net_ends_its_runs_and_gets_no_other(hub: Hub, body: dict, answering: FakeFl):
    made = hub.admin.post("nets", {**body, "slots": 3})
    project = make_project(hub)
    run = make_run(hub, project, state=RunState.RUNNING, net_id=UUID(made["id"]))
    waiting = make_run(hub, project, state=RunState.QUEUED, starting_at=None, running_at=None)

    def given() -> dict[UUID, UUID]:
        with hub.database.session() as session:
            return dict(read_queue(session, hub.settings, draining=False).given)

    assert given() == {waiting: UUID(made["id"])}, "two of its three slots are free, one of the other net's"
    assert hub.admin.get("queue")["slots"] == 4
    drained = hub.admin.call("PATCH", f"nets/{made['id']}", json={"draining": True}).json()
    assert (drained["draining"], drained["open_runs"], drained["slots"]) == (True, 1, 3)
    assert given() == {waiting: hub.net_id}
    assert hub.admin.get("queue")["slots"] == 1
    assert hub.admin.refused("DELETE", f"nets/{made['id']}") == "net_busy"
    with hub.database.session() as session:
        session.get_one(Run, run).closed = True
    assert hub.admin.call("DELETE", f"nets/{made['id']}").status_code == 204
    assert hub.admin.refused("PATCH", f"nets/{made['id']}", json={"draining": False}) == "not_found"
    assert [net["name"] for net in hub.admin.get("nets")] == ["n"]


def test_a_net_must_be_drained_first_and_one_of_the_settings_is_removed_there(hub: Hub):
    assert hub.admin.refused("DELETE", f"nets/{hub.net_id}") == "net_busy"
    hub.client.app.state.settings = hub.settings.model_copy(update={"nets": [hub.net]})
    assert hub.admin.refused("DELETE", f"nets/{hub.net_id}") == "net_of_settings"


def test_one_that_was_sealed_by_other_keys_is_left_alone(hub: Hub, body: dict, answering: FakeFl, tmp_path, caplog):
    hub.admin.post("nets", body)
    elsewhere = NetDirectory(hub.settings, hub.database, SecretBox(tmp_path / "other.key"), lambda url, key: FakeFl())
    elsewhere.refresh()
    assert len(elsewhere) == 0
    assert "net-2" in caplog.text
    with hub.database.session() as session:
        assert session.get_one(NetRow, hub.net_id).removed_at is None

"""Files outside the FAB: the net gets those for the ServerApp, a trust of the run those for its ClientApp, by hash."""

import hashlib
import io

import numpy as np
import pytest
from hub.tests.conftest import APP, FakeAgent, Hub

from flip_hub.files.worker import FileWorker

TABLE = b"code,meaning\n1,one\n"
PLACES = '\n[tool.flip.files]\nserver = ["weights/*.npy"]\nclients = ["*.csv"]\n'


@pytest.fixture
def agents(hub: Hub) -> list[FakeAgent]:
    return [hub.trust("alpha"), hub.trust("beta")]


@pytest.fixture
def weights() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(1000))
    return buffer.getvalue()


@pytest.fixture
def run(hub: Hub, agents: list[FakeAgent], weights: bytes) -> dict:
    """Of alpha alone, at work, on an app with a file for each side."""
    model = hub.model(hub.approved_project(agents[0]))
    pyproject = (APP / "pyproject.toml").read_bytes() + PLACES.encode()
    for path, content in {"pyproject.toml": pyproject, "weights/w.npy": weights, "codes.csv": TABLE}.items():
        answer = hub.researcher.call("PUT", f"models/{model['id']}/files/{path}", content=content)
        assert answer.status_code == 200, answer.text
    worker = FileWorker(hub.settings, hub.database, hub.client.app.state.shelf)
    while worker.step():
        pass
    check = hub.researcher.get(f"models/{model['id']}/check")
    assert check["findings"] == [] or not any("staged" in finding["code"] for finding in check["findings"])
    run = hub.researcher.post(f"models/{model['id']}/runs")
    hub.settle()
    return run


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(hub: Hub, agent: FakeAgent, run: dict, digest: str, **headers: str):
    headers |= {"authorization": f"Bearer {agent.token}"}
    return hub.client.get(f"/api/trust/v1/runs/{run['id']}/files/{digest}", headers=headers)


def test_each_side_is_told_of_its_own_files_by_hash(hub: Hub, agents, run: dict, weights: bytes):
    (fake,) = hub.fl.runs.values()
    assert [(f.path, f.sha256, f.size_bytes) for f in fake.spec.files] == [
        ("weights/w.npy", sha256(weights), len(weights))
    ]
    assert hub.fl.files == {sha256(weights): weights}
    (task,) = agents[0].claim()
    manifest = task["payload"]["signed"]["manifest"]
    assert manifest["files"] == [{"path": "codes.csv", "sha256": sha256(TABLE), "size_bytes": len(TABLE)}]


def test_a_trust_of_the_run_fetches_what_its_manifest_names_and_nothing_else(hub: Hub, agents, run: dict, weights):
    alpha, beta = agents
    whole = fetch(hub, alpha, run, sha256(TABLE))
    assert (whole.status_code, whole.content) == (200, TABLE)
    rest = fetch(hub, alpha, run, sha256(TABLE), range="bytes=5-")
    assert (rest.status_code, rest.content) == (206, TABLE[5:])
    for agent, digest in ((alpha, sha256(weights)), (beta, sha256(TABLE)), (alpha, "0" * 64)):
        refused = fetch(hub, agent, run, digest)
        assert (refused.status_code, refused.json()["code"]) == (404, "staged_file_unknown")


def test_after_the_run_it_is_not_given_any_more(hub: Hub, agents, run: dict):
    hub.researcher.post(f"runs/{run['id']}/stop", status=202)
    hub.settle()
    assert fetch(hub, agents[0], run, sha256(TABLE)).json()["code"] == "staged_file_unknown"


def test_a_net_that_has_the_content_is_not_sent_it_again(hub: Hub, agents, run: dict, monkeypatch):
    hub.researcher.post(f"runs/{run['id']}/stop", status=202)
    hub.settle()
    monkeypatch.setattr(hub.fl, "put_file", lambda *_: pytest.fail("sent again"))
    again = hub.researcher.post(f"models/{run['model_id']}/runs")
    hub.settle()
    assert hub.researcher.get(f"runs/{again['id']}")["state"] == "starting"

"""Real runs on a real net: SuperLink over TLS, node authentication, process isolation."""

import io
import sqlite3
import subprocess
import time
import zipfile
from contextlib import closing
from datetime import datetime
from uuid import UUID

import httpx
import numpy as np
import pytest
from safetensors.numpy import load

pytestmark = pytest.mark.slow


def kinds(events: list[dict]) -> list[str]:
    return [e["kind"] for e in events if e["kind"] not in {"log", "notice"}]


def log_of(events: list[dict]) -> str:
    return "\n".join(line for e in events if e["kind"] == "log" for line in e["payload"]["lines"])


def rows_of_flower(net) -> int:
    """How many rows about runs, their tasks, logs, FABs and nodes the SuperLink still holds."""
    with closing(sqlite3.connect(net.root / "fl" / "superlink.db")) as db:
        tables = ["run", "task", "task_logs", "message_ins", "message_res", "series_runs", "run_series", "fab", "node"]
        return sum(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)


def test_two_trusts_train_and_the_model_is_kept(net):
    before = rows_of_flower(net)
    run_id, finished, events = net.run(["alpha", "beta"])
    assert finished["outcome"] == "succeeded", (finished, log_of(events))
    assert finished["reason"] == "completed_unannounced"
    assert finished["train_results"] == 4
    assert kinds(events) == [
        "run_started",
        *("train_sent", "round_done", "exchanges"),
        *("train_sent", "round_done", "exchanges"),
        "run_finished",
    ]
    archive = zipfile.ZipFile(io.BytesIO(net.client.get(f"/v1/runs/{run_id}/results").content))
    assert {"model.safetensors", "history.json"} <= set(archive.namelist())
    (weights,) = load(archive.read("model.safetensors")).values()
    assert np.array_equal(weights, np.full(4, 2, np.float32))
    assert "SECRETS []" in log_of(events)
    first, second = [e["payload"] for e in events if e["kind"] == "exchanges"]
    assert sorted((t["trust"], t["round"], t["phase"]) for t in first["trusts"]) == [
        *(("alpha", 1, "train"), ("beta", 1, "train"))
    ]
    for told in second["trusts"]:
        assert told["queued_at"] < told["replied_at"] < second["aggregated_at"]
        assert told["sent_bytes"] > 16
        assert told["reply_bytes"] > 16
        assert told["error"] == ""
    for node in net.nodes[-2:]:
        turns = [(e["code"], e["numbers"]) for e in node.events() if e["event"] == "client_done"]
        assert [(code, numbers["turn"]) for code, numbers in turns] == [("train", 1), ("train", 2)]
        assert all(0 < numbers["seconds"] < 30 and numbers["waited_seconds"] < 30 for _, numbers in turns)
    assert net.client.delete(f"/v1/runs/{run_id}").status_code == 204
    assert rows_of_flower(net) == before
    assert net.client.get(f"/v1/runs/{run_id}").json()["code"] == "run_unknown"


def test_one_trust_trains_with_flowers_default_thresholds(net):
    _, finished, events = net.run(["alpha"])
    assert finished["outcome"] == "succeeded", log_of(events)
    notices = [e["payload"]["text"] for e in events if e["kind"] == "notice"]
    assert any("min_available_nodes was 2" in text for text in notices)


def test_a_node_outside_the_federation_gets_nothing(net):
    """A third, registered and online, belongs to another run; the ServerApp addresses it by its node id."""
    other_run, prepared = net.prepare(1)
    gamma = net.join(other_run, "gamma", prepared["fab_sha256"])
    deadline = time.monotonic() + 30
    while not (node := net.client.get(f"/v1/runs/{other_run}").json()["nodes"][0])["online"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    _, finished, events = net.run(["alpha"], behaviour="address_other", **{"other-node": node["node_id"]})
    text = log_of(events)
    assert f"{node['node_id']}" not in text.split("VISIBLE")[1].split("\n")[0]
    assert "PUSHED ['']" in text or "PUSHED [None]" in text, text
    assert finished["outcome"] == "succeeded"
    time.sleep(1)
    assert "Receiving" not in (gamma.work / "node.log").read_text()
    assert list((gamma.work / "apps").iterdir()) == []
    gamma.stop()


@pytest.mark.parametrize(
    ("behaviour", "reason", "words"),
    [
        ("server_raises", "server_app_raised", "ValueError: the server has a bad day (app/server_app.py:"),
        ("server_exits", "server_app_exited", "exited with code 3"),
        ("clients_raise", "no_client_results", "RuntimeError: details are in the trust's log (app/client_app.py:"),
        ("clients_exit", "no_client_results", "ClientAppExited"),
    ],
)
def test_every_failure_is_told_soon_and_in_words(net, behaviour, reason, words):
    _, finished, events = net.run(["alpha", "beta"], behaviour=behaviour)
    assert (finished["outcome"], finished["reason"]) == ("failed", reason), log_of(events)
    assert words in finished["text"]
    assert "row 17" not in str(events)
    began = next(e["at"] for e in events if e["kind"] == "run_started")
    took = datetime.fromisoformat(events[-1]["at"]) - datetime.fromisoformat(began)
    assert took.total_seconds() < 40  # Flower would wait a minute for a process that is gone


def test_stop_ends_the_run_within_seconds_and_leaves_no_process(net):
    run_id, prepared = net.prepare(1, behaviour="slow")
    node = net.join(run_id, "alpha", prepared["fab_sha256"])
    net.start(run_id, 1)
    while not any((node.work / "apps").iterdir()):
        time.sleep(0.1)
    time.sleep(2)
    started = time.monotonic()
    assert net.client.post(f"/v1/runs/{run_id}/stop").status_code == 202
    finished = net.follow(run_id)[-1]["payload"]
    assert finished["outcome"] == "stopped"
    node.stop()
    assert time.monotonic() - started < 8
    left = subprocess.run(["pgrep", "-f", str(node.work)], capture_output=True, text=True).stdout
    assert left == ""


def test_a_node_refuses_a_fab_that_the_manifest_does_not_name(net):
    run_id, _ = net.prepare(1)
    node = net.join(run_id, "alpha", "0" * 64)
    net.start(run_id, 1)
    finished = net.follow(run_id)[-1]["payload"]
    assert finished["reason"] == "no_client_results"
    assert [e["code"] for e in node.events() if e["event"] == "refused"] == ["fab_hash_mismatch"]
    assert list((node.work / "apps").iterdir()) == []
    node.stop()


def test_only_the_fleet_door_is_open_to_trusts(net):
    ca = str(net.root / "fl" / "pki" / "ca.crt")
    fleet = httpx.Client(base_url=f"https://127.0.0.1:{net.ports['fleet']}", verify=ca, trust_env=False)
    for path in (
        "/v1/control/list-runs",
        "/v1/runtime/acquire-task",
        "/health",
        "/docs",
        "/v1/fleet/../control/list-runs",
    ):
        assert fleet.post(path).status_code == 404, path
    assert fleet.post("/v1/fleet/pull-messages").status_code in {400, 401, 403, 415, 422}
    loopback = httpx.Client(base_url=f"https://127.0.0.1:{net.ports['superlink']}", verify=ca, trust_env=False)
    assert loopback.post("/v1/control/list-runs").status_code == 403
    assert loopback.post("/v1/runtime/start-automation").status_code == 403
    assert loopback.post("/v1/runtime/acquire-task").status_code in {400, 401, 403, 415, 422}


def test_the_fl_api_answers_only_the_hub(net):
    anonymous = httpx.get(f"http://127.0.0.1:{net.ports['api']}/v1/health", trust_env=False)
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "token_invalid")
    unknown = net.client.get(f"/v1/runs/{UUID(int=0)}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "run_unknown")

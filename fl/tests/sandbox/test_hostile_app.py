"""A hostile app on a real net: what it tries fails, the run ends with a reason, and the next run is served."""

import json
import time

import pytest

from flip_contracts.sandbox import SandboxLevel

pytestmark = pytest.mark.slow


def said(events: list[dict], word: str):
    lines = [line for e in events if e["kind"] == "log" for line in e["payload"]["lines"]]
    return [json.loads(line.removeprefix(f"{word} ")) for line in lines if line.startswith(f"{word} ")]


def test_a_hostile_app_reaches_nothing_at_either_end_and_is_run_unchanged_each_time(net, app_zip):
    if net.level is not SandboxLevel.FULL:
        pytest.skip("no full sandbox on this machine")
    ports = f"{net.ports['api']} {net.ports['fleet']}"
    paths = f"{net.root}/fl/keys {net.root}/fl/pki {net.root}/fl/fl.db {net.root}/signing.pem {net.root}/net.key"
    _, finished, events = net.run(["alpha"], app_zip("hostile_app"), ports=ports, paths=paths)
    assert finished["outcome"] == "succeeded", events[-8:]
    (answers,) = said(events, "ANSWERS")
    assert not {path: status for path, status in answers.items() if status < 400}
    assert (said(events, "REACHED"), said(events, "READ"), said(events, "SECRETS")) == ([[]], [[]], [[]])
    clients = [json.loads(line.split(" ", 2)[2]) for e in events if e["kind"] == "log"
               for line in e["payload"]["lines"] if line.startswith("CLIENT ")]  # fmt: skip
    assert len(clients) == 2
    for found in clients:
        assert (found["tampered"], found["reached"], found["read"], found["root"]) == (0, 0, 0, 0)
        assert found["processes"] <= 3


@pytest.mark.parametrize(
    ("attack", "limits", "words"),
    [
        ("fork bomb", {"processes": 60}, "ClientAppExited"),
        ("memory", {"memory_bytes": 400 * 2**20}, "of memory"),
        ("disk", {"disk_bytes": 32 * 2**20}, "of disk"),
        ("endless loop", {"wall_seconds": 4}, "wall time"),
    ],
)
def test_an_app_that_uses_up_what_there_is_ends_with_a_reason_and_the_node_stays(net, app_zip, attack, limits, words):
    net.limits = limits
    try:
        started = time.monotonic()
        _, finished, events = net.run(["alpha"], app_zip("hostile_app"), attack=attack)
    finally:
        net.limits = {}
    assert (finished["outcome"], finished["reason"]) == ("failed", "no_client_results"), events[-5:]
    failed = [e for node in net.nodes[-1:] for e in node.events() if e["event"] == "client_failed"]
    assert words in f"{failed}", failed
    assert time.monotonic() - started < 60
    assert net.nodes[-1].events()[-1]["code"] == "stopped"  # it lived until it was told to end

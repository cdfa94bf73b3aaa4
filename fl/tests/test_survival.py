"""A run outlives each process that it needs; the end is the same, to the bit, as if nothing had been."""

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from demo.victims import find
from fl.tests.cut import Network

pytestmark = pytest.mark.slow
ROUNDS = 8


@pytest.fixture(scope="module")
def net(another_net, tmp_path_factory) -> Iterator:
    with another_net(tmp_path_factory.mktemp("mortal")) as net:
        yield net


class Followed:
    """A run and what is heard of it."""

    def __init__(self, net, run_id: UUID):
        self.net, self.run_id, self.events = net, run_id, []

    def until(self, enough: Callable[[list[dict]], bool], seconds: float = 120) -> list[dict]:
        deadline = time.monotonic() + seconds
        while not enough(self.events):
            assert time.monotonic() < deadline, [e for e in self.events if e["kind"] != "log"][-10:]
            self.events += [e for e in self.net.look(1) if e["run_id"] == str(self.run_id)]
        return self.events

    def done(self, number: int) -> None:
        self.until(lambda events: any(e["kind"] == "round_done" and e["payload"]["round"] >= number for e in events))

    def finished(self) -> dict:
        return self.until(lambda events: bool(events) and events[-1]["kind"] == "run_finished")[-1]["payload"]

    def of(self, kind: str) -> list[dict]:
        return [e["payload"] for e in self.events if e["kind"] == kind]

    def notices(self) -> str:
        return "\n".join(e["text"] for e in self.of("notice"))

    def results(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(io.BytesIO(self.net.client.get(f"/v1/runs/{self.run_id}/results").content))


def begin(net, archive: bytes, trusts: tuple[str, ...] = ("alpha", "beta"), options=None, **config):
    run_id, prepared = net.prepare(len(trusts), archive, options, **config)
    nodes = [net.join(run_id, trust, prepared["fab_sha256"]) for trust in trusts]
    net.start(run_id, len(trusts))
    return Followed(net, run_id), nodes, prepared["fab_sha256"]


def kill(kind: str, net) -> None:
    """With the signal that nobody can hear."""
    deadline = time.monotonic() + 30
    while not (pids := find(kind, [net.process.pid])):
        assert time.monotonic() < deadline, f"there is no {kind}"
        time.sleep(0.02)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_run_survives_its_serverapp_its_superlink_and_its_fl_api(net, app_zip):
    whole, nodes, _ = begin(net, app_zip("durable_app"))
    assert whole.finished()["outcome"] == "succeeded"
    for node in nodes:
        node.stop()

    run, nodes, _ = begin(net, app_zip("durable_app"))
    run.done(2)
    kill("serverapp", net)
    run.until(lambda _: len(run.of("attempt")) == 1)
    run.done(4)
    kill("superlink", net)
    run.done(6)
    net.process.kill()
    net.process.wait()
    net.start_again()
    finished = run.finished()
    log = "\n".join(line for e in run.of("log") for line in e["lines"])
    assert finished["outcome"] == "succeeded", (finished, log[-3000:])

    first, second = run.of("attempt")[0], run.of("attempt")[-1]
    assert first["after_round"] in (1, 2)
    assert "ended by signal 9" in first["why"]
    assert "The FL API ended" in second["why"]
    assert second["after_round"] >= 5
    assert "SuperLink ended and was started again" in run.notices()
    assert f"ROUNDS {list(range(1, ROUNDS + 1))}" in log
    ends, expected = run.results(), whole.results()
    assert ends.read("model.safetensors") == expected.read("model.safetensors")
    assert json.loads(ends.read("history.json")) == json.loads(expected.read("history.json"))
    for node in nodes:
        node.stop()


def test_no_work_of_a_trust_is_lost_when_the_superlink_ends_in_the_middle_of_it(net, app_zip):
    run, nodes, _ = begin(net, app_zip("durable_app"), **{"num-server-rounds": 3, "seconds": 3.0})
    run.done(1)
    run.until(lambda events: sum(e["kind"] == "train_sent" for e in events) >= 2)
    deadline = time.monotonic() + 30
    while not all(find("clientapp", [node.process.pid]) for node in nodes):  # both are at work
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kill("superlink", net)
    assert run.finished()["outcome"] == "succeeded", run.notices()
    assert "sent again" not in run.notices()
    for node in nodes:
        node.stop()
        assert [e["numbers"]["turn"] for e in node.events() if e["event"] == "client_done"] == [1, 2, 3]


def test_trusts_come_and_go_and_the_round_waits_for_them(net, app_zip):
    """A node is killed in the middle of its work and comes back with a new key; another is cut off for a while."""
    archive, options = app_zip("durable_app"), {"round_policy": {"kind": "wait"}}
    whole, nodes, _ = begin(net, archive, **{"num-server-rounds": 5})
    whole.finished()
    for node in nodes:
        node.stop()

    run_id, prepared = net.prepare(2, archive, options, **{"num-server-rounds": 5, "seconds": 3.0})
    network = Network(net.ports["fleet"])
    alpha = net.join(run_id, "alpha", prepared["fab_sha256"], network.address)
    beta = net.join(run_id, "beta", prepared["fab_sha256"])
    net.start(run_id, 2)
    run = Followed(net, run_id)
    run.done(1)
    run.until(lambda events: sum(e["kind"] == "train_sent" for e in events) >= 2)  # three seconds of work lie ahead
    beta.process.kill()
    beta = net.join(run_id, "beta", prepared["fab_sha256"])
    run.done(3)
    network.cut()
    time.sleep(5)
    network.mend()
    assert run.finished()["outcome"] == "succeeded", run.notices()
    assert "was sent again to beta." in run.notices()
    assert [e["results"] for e in run.of("round_done")] == [2] * 5
    assert run.results().read("model.safetensors") == whole.results().read("model.safetensors")
    for node in (alpha, beta):
        node.stop()
    network.close()


def test_a_stop_ends_clientapps_that_do_not_want_to_end(net, app_zip):
    run, nodes, _ = begin(net, app_zip("durable_app"), ("alpha",), seconds=600.0, stubborn=True)
    deadline = time.monotonic() + 60
    while not (apps := find("clientapp", [nodes[0].process.pid])):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    net.client.post(f"/v1/runs/{run.run_id}/stop").raise_for_status()
    assert run.finished()["outcome"] == "stopped"
    while any(os.path.exists(f"/proc/{pid}") for pid in apps):  # by its own SuperNode, before anybody told the trust
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert nodes[0].process.poll() is None
    nodes[0].stop()

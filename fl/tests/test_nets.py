"""Several runs on one net, and a second net on a machine of its own: neither waits for the other."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

pytestmark = pytest.mark.slow
SUBNET = "198.18.77"  # of those that RFC 2544 sets aside for tests of a network


@contextmanager
def second_machine() -> Iterator[list[str]]:
    """The command that enters it: a network namespace with a cable of its own to this machine, and no other way out."""
    name = f"flip-{os.getpid()}"
    ends = (f"fa{os.getpid()}", f"fb{os.getpid()}")

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    ip("netns", "add", name)
    try:
        ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1], "netns", name)
        ip("address", "add", f"{SUBNET}.1/24", "dev", ends[0])
        ip("link", "set", ends[0], "up")
        ip("-n", name, "address", "add", f"{SUBNET}.2/24", "dev", ends[1])
        for device in ("lo", ends[1]):
            ip("-n", name, "link", "set", device, "up")
        yield ["ip", "netns", "exec", name]
    finally:
        ip("netns", "delete", name)  # the cable goes with it


@dataclass
class Pair:
    """Two runs that were started one right after the other; `ends` and `starts` are of their rounds."""

    starts: list[datetime]
    ends: list[datetime]

    @property
    def overlapped(self) -> bool:
        return max(self.starts) < min(self.ends)


def run_both(first, second) -> Pair:
    started = []
    for net, trusts in ((first, ["alpha", "beta"]), (second, ["gamma", "delta"])):
        run_id, prepared = net.prepare(2, **{"num-server-rounds": 6})
        nodes = [net.join(run_id, trust, prepared["fab_sha256"]) for trust in trusts]
        started.append((net, run_id, nodes))
    for net, run_id, _ in started:
        net.start(run_id, 2)
    pair = Pair([], [])
    for net, run_id, nodes in started:
        net.cursor = 0  # the other run of the same net was followed before
        events = net.follow(run_id)
        finished = events[-1]["payload"]
        assert (finished["outcome"], finished["train_results"]) == ("succeeded", 12), finished
        rounds = [datetime.fromisoformat(e["at"]) for e in events if e["kind"] in {"train_sent", "round_done"}]
        pair.starts.append(rounds[0])
        pair.ends.append(rounds[-1])
        for node in nodes:
            node.stop()
    return pair


def test_two_runs_of_one_net_train_at_the_same_time(net):
    assert run_both(net, net).overlapped


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="only root can make a second machine")
def test_a_net_on_a_second_machine_trains_beside_the_first(net, another_net, tmp_path):
    with second_machine() as inside, another_net(tmp_path, host=f"{SUBNET}.2", inside=inside) as second:
        assert run_both(net, second).overlapped
        health = second.client.get("/v1/health").json()
        assert health["superlink_online"]

"""Several runs on one net, and a second net on a machine of its own: neither waits for the other."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from demo.proxy import Proxy

pytestmark = pytest.mark.slow
ROUNDS = 15  # long enough that both runs are on at some moment, on a busy machine too
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


def rounds_of_both(first, second) -> list[list[datetime]]:
    """Two runs are started one right after the other; when the rounds of each began and ended."""
    started = []
    for net, trusts in ((first, ["alpha", "beta"]), (second, ["gamma", "delta"])):
        run_id, prepared = net.prepare(2, **{"num-server-rounds": ROUNDS})
        nodes = [net.join(run_id, trust, prepared["fab_sha256"]) for trust in trusts]
        started.append((net, str(run_id), nodes))
    for net, run_id, _ in started:
        net.start(run_id, 2)
    told: dict[str, list[dict]] = {run_id: [] for _, run_id, _ in started}
    deadline = time.monotonic() + 90
    while not all(events and events[-1]["kind"] == "run_finished" for events in told.values()):
        assert time.monotonic() < deadline, told
        for net in dict.fromkeys((first, second)):
            for event in net.look():
                told.get(event["run_id"], []).append(event)
    for _, run_id, nodes in started:
        finished = told[run_id][-1]["payload"]
        assert (finished["outcome"], finished["train_results"]) == ("succeeded", 2 * ROUNDS), told[run_id][-20:]
        for node in nodes:
            node.stop()
    told_rounds = [[e for e in events if e["kind"] in {"train_sent", "round_done"}] for events in told.values()]
    return [[datetime.fromisoformat(e["at"]) for e in events] for events in told_rounds]


def overlap(runs: list[list[datetime]]) -> bool:
    return max(run[0] for run in runs) < min(run[-1] for run in runs)


def test_two_runs_of_one_net_train_at_the_same_time(net):
    assert overlap(rounds_of_both(net, net))


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="only root can make a second machine")
def test_a_net_on_a_second_machine_trains_beside_the_first(net, another_net, tmp_path):
    with second_machine() as inside, another_net(tmp_path, host=f"{SUBNET}.2", inside=inside) as second:
        assert overlap(rounds_of_both(net, second))
        health = second.client.get("/v1/health").json()
        assert health["superlink_online"]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="only root can make a second machine")
def test_a_trust_behind_a_proxy_takes_part(another_net, tmp_path):
    proxy = Proxy()
    with proxy.serving() as port, second_machine() as inside:
        through = {name: f"http://127.0.0.1:{port}" for name in ("HTTPS_PROXY", "https_proxy")}
        with another_net(tmp_path, host=f"{SUBNET}.2", inside=inside) as net:
            run_id, prepared = net.prepare(1)
            node = net.join(run_id, "alpha", prepared["fab_sha256"], env=through)
            net.start(run_id, 1)
            finished = net.follow(run_id)[-1]["payload"]
            node.stop()
    assert finished["outcome"] == "succeeded", finished
    assert set(proxy.connects) == {f"{SUBNET}.2:{net.ports['fleet']}"}

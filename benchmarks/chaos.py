"""Kill processes of a real federation at random while it trains, and look whether anything was lost.

    .venv/bin/python -m benchmarks.chaos --kills 100 --seed 1

One run after another trains at two trusts. A victim is drawn, killed with SIGKILL, and started again after a moment
where it is one that a service manager looks after (hub, FL API, agent). Recovery is the time from when it is back to
the next finished round. At the end every run must have succeeded with the model of an undisturbed run, to the bit,
each metric point must be there once, the queue empty, and no process left behind.
"""

import argparse
import collections
import contextlib
import os
import random
import signal
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from demo import story
from demo.client import HubClient, Refused
from demo.process import wait_until
from demo.stack import REPO, Stack
from demo.victims import below, find, postmaster

from flip_trust.synthetic import demo_query

APP = REPO / "fl" / "tests" / "apps" / "durable_app"
TRUSTS = ("trust-alpha", "trust-beta")
KINDS = ("hub", "postgres", "fl", "superlink", "serverapp", "zygote", "agent", "supernode", "clientapp", "machine")
LONGEST_RECOVERY = 120.0
OPTIONS = {
    "on_crash": "resume",
    "on_slow_trust": "wait",
}  # so that each round has both trusts, and its model can be compared


@dataclass
class Kill:
    kind: str
    recovered: float  # seconds from when it was back to the next finished round, or the run's end
    told: float | None  # seconds from the kill until the run's story said anything
    words: str


@dataclass
class Campaign:
    stack: Stack
    me: HubClient
    project: dict[str, Any]
    seed: int = 1
    rounds: int = 12
    kills: list[Kill] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    say: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.model = story.model_with_app(self.me, self.project["id"], f"Chaos {uuid4().hex[:6]}", APP)
        self.expected = b""

    # --- what the page would see ---
    def ask(self, path: str, **params: Any) -> Any:
        """Insist: the hub may be the victim."""
        deadline = time.monotonic() + LONGEST_RECOVERY
        while True:
            try:
                return self.me.get(path, **params)
            except (httpx.HTTPError, Refused) as error:
                if isinstance(error, Refused) and error.status < 500:
                    raise
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def initiate(self) -> str:
        config = {"num-server-rounds": self.rounds, "seconds": 0.3}
        run = self.me.post(f"models/{self.model['id']}/runs", {"run_config": config, "options": OPTIONS})
        self.runs.append(run["id"])
        return run["id"]

    def undisturbed(self) -> None:
        """What every run must end with."""
        run = story.finish(self.stack, self.me, self.initiate())
        assert run["state"] == "succeeded", run
        self.expected = self.model_of(run["id"])

    def model_of(self, run_id: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            archive = self.me.download(f"runs/{run_id}/results", Path(folder) / "results.zip")
            return zipfile.ZipFile(archive).read("model.safetensors")

    # --- killing ---
    def campaign(self, kinds: Iterable[str]) -> None:
        run_id = ""
        for kind in kinds:
            run_id = self._running(run_id)
            time.sleep(self.random.uniform(0, 1.0))
            self.kills.append(self._kill(kind, run_id))
            last = self.kills[-1]
            self.say(f"{len(self.kills)} {kind}: {last.recovered:.1f} s; {last.words}")
        self._finished(run_id)

    def _running(self, run_id: str) -> str:
        """A run with at least one round behind it and some to come."""
        if run_id:
            run = self.ask(f"runs/{run_id}")
            if run["state"] == "running" and len(run["rounds"]) < self.rounds - 3:
                return run_id
            self._finished(run_id)
        run_id = self.initiate()
        self._until("the first round", lambda: self.ask(f"runs/{run_id}")["rounds"])
        return run_id

    def _finished(self, run_id: str) -> None:
        run = self._until("the end of the run", lambda: _ended(self.ask(f"runs/{run_id}")), 300)
        assert run["state"] == "succeeded", (run["state"], run["reason_text"], [vars(k) for k in self.kills[-3:]])

    def _kill(self, kind: str, run_id: str) -> Kill:
        before, seen = self.ask(f"runs/{run_id}"), self.ask(f"runs/{run_id}/events")["next_after"]
        victims = self._victims(kind)
        killed = time.monotonic()
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._start_again(kind)
        back, told, words = time.monotonic(), None, ""
        reached = max((r["round"] for r in before["rounds"]), default=0)

        def on() -> bool:
            nonlocal told, words
            run = self.ask(f"runs/{run_id}")
            events = self.ask(f"runs/{run_id}/events", after=seen)["events"]
            news = [e["text"] for e in events if e["kind"] in TELLING]
            if news and told is None:
                told, words = time.monotonic() - killed, news[0]
            return run["state"] in story.TERMINAL or max((r["round"] for r in run["rounds"]), default=0) > reached

        self._until(f"recovery from the death of {kind}", on)
        return Kill(kind, time.monotonic() - back, told, words)

    def _victims(self, kind: str) -> list[int]:
        stack, roots = self.stack, [p.popen.pid for p in self.stack.processes]
        trust = stack.trusts[self.random.choice(TRUSTS)].process
        assert stack.hub is not None
        assert stack.fl is not None
        assert trust is not None
        match kind:
            case "hub":
                return [stack.hub.popen.pid]
            case "fl":
                return [stack.fl.popen.pid]
            case "agent":
                return [trust.popen.pid]
            case "postgres":  # a backend: the server throws everybody out and recovers, as after a crash of its own
                server = postmaster(stack.root / "hub" / "postgres")
                return [self.random.choice([pid for pid, parent, _ in below([server]) if parent == server])]
            case "machine":  # the hub's: everything on it, in one moment
                there = [stack.hub.popen.pid, stack.fl.popen.pid, postmaster(stack.root / "hub" / "postgres")]
                return [*there, *(pid for pid, _, _ in below(there))]
            case "superlink" | "serverapp":
                return self._until(f"a {kind}", lambda: find(kind, [stack.fl.popen.pid]))
            case "zygote":
                return self._until("a zygote", lambda: _zygotes(roots))[:1]
            case "clientapp" | "supernode":
                return self._until(f"a {kind}", lambda: find(kind, [trust.popen.pid]))
        raise ValueError(kind)

    def _start_again(self, kind: str) -> None:
        """As a service manager does, a moment later."""
        stack = self.stack
        if kind not in ("hub", "fl", "agent", "machine"):
            return
        time.sleep(self.random.uniform(0.2, 2.0))
        if kind in ("fl", "machine"):
            stack.start_fl_again()
        if kind in ("hub", "machine"):
            assert stack.hub
            stack.hub.popen.wait()
            stack.start_hub()
        if kind == "agent":
            for trust in stack.trusts.values():
                if trust.process and not trust.process.alive:
                    trust.process.popen.wait()
                    trust.start()

    def stop(self) -> tuple[float, float]:
        """Seconds from a stop until no ClientApp is left at any trust, and until the run is told as stopped."""
        run_id = self._running("")
        agents = [trust.process.popen.pid for trust in self.stack.trusts.values() if trust.process]
        self._until("a ClientApp", lambda: find("clientapp", agents))
        asked = time.monotonic()
        self.me.post(f"runs/{run_id}/stop")
        self._until("the end of every ClientApp", lambda: not find("supernode", agents))
        freed = time.monotonic() - asked
        run = self._until("the end of the run", lambda: _ended(self.ask(f"runs/{run_id}")))
        assert run["state"] == "stopped", run
        self.runs.remove(run_id)
        return freed, time.monotonic() - asked

    # --- afterwards ---
    def account(self) -> dict[str, Any]:
        """Raises `AssertionError` where anything was lost, doubled or left."""
        for run_id in self.runs:
            assert self.model_of(run_id) == self.expected, f"run {run_id} ended with another model"
            series = [s for s in self.ask(f"runs/{run_id}/metrics") if s["label"] == "LOSS"]
            assert {s["trust"] for s in series} == set(TRUSTS), series
            for each in series:
                assert [x for x, _ in each["points"]] == list(map(float, range(1, self.rounds + 1))), each
            assert [r["round"] for r in self.ask(f"runs/{run_id}")["rounds"]] == list(range(1, self.rounds + 1))
        queue = self.ask("queue")
        assert (queue["active"], queue["waiting"]) == ([], [])
        roots = [p.popen.pid for p in self.stack.processes]
        gone = lambda: not [c for _, _, c in below(roots) if "executor.zygote" in c or "supernode --spec" in c]  # noqa: E731
        self._until("every process of the runs to end", gone, 60)
        return {"runs": len(self.runs), "attempts": sum(self._attempts(run_id) for run_id in self.runs)}

    def _attempts(self, run_id: str) -> int:
        return sum(e["kind"] == "attempt" for e in self.ask(f"runs/{run_id}/events")["events"])

    @staticmethod
    def _until(what: str, ready: Callable[[], Any], seconds: float = LONGEST_RECOVERY) -> Any:
        return wait_until(what, ready, seconds, every=0.1)

    def table(self) -> str:
        by_kind: dict[str, list[Kill]] = collections.defaultdict(list)
        for kill in self.kills:
            by_kind[kill.kind].append(kill)
        lines = [
            "| killed | times | recovered, median | longest | told the user, median |",
            "|---|---:|---:|---:|---:|",
        ]
        for kind in sorted(by_kind):
            took, told = [k.recovered for k in by_kind[kind]], [k.told for k in by_kind[kind] if k.told is not None]
            words = f"{statistics.median(told):.1f} s" if told else "–"
            lines.append(f"| {kind} | {len(took)} | {statistics.median(took):.1f} s | {max(took):.1f} s | {words} |")
        return "\n".join(lines)


TELLING = frozenset(
    {"attempt", "trust_rejoining", "net_silent", "net_back", "notice", "node_client_failed", "node_ended"}
)


def _ended(run: dict[str, Any]) -> dict[str, Any] | None:
    return run if run["state"] in story.TERMINAL else None


def _zygotes(roots: Iterable[int]) -> list[int]:
    """The warm parents of apps, at the hub and at trusts."""
    found = [(pid, parent) for pid, parent, c in below(roots) if "executor.zygote" in c and "bwrap" not in c]
    own = {pid for pid, _ in found}
    return [pid for pid, parent in found if parent not in own]


def drawn(kills: int, seed: int, among: Sequence[str] = KINDS) -> list[str]:
    """Each kind about equally often, in an order that nobody chose."""
    kinds = [among[n % len(among)] for n in range(kills)]
    random.Random(seed).shuffle(kinds)
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="only these; a rare race needs many")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flip-chaos-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        stack = Stack(Path(folder), trust_names=TRUSTS)
        began = time.monotonic()
        try:
            stack.start()
            me = stack.as_researcher()
            project = story.approved_project(stack, me, "Chaos", demo_query(), list(TRUSTS))
            campaign = Campaign(stack, me, project, asked.seed, asked.rounds, say=lambda text: print(text, flush=True))
            campaign.undisturbed()
            print(
                "stop: trusts are free after {:.1f} s, the run is told as stopped after {:.1f} s".format(
                    *campaign.stop()
                )
            )
            try:
                campaign.campaign(drawn(asked.kills, asked.seed, asked.kinds))
                print(f"\n{campaign.account()}: every run ended with the same model, each point is there once")
            finally:
                print(f"\n{campaign.table()}\n{len(campaign.kills)} kills, {time.monotonic() - began:.0f} s")
        finally:
            stack.stop()


if __name__ == "__main__":
    main()

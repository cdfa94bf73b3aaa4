"""Seconds per round and memory, Flower alone beside FLIP: same app, same machine, one after the other.

    .venv-fl/bin/python benchmarks/rounds.py [--sizes 1KB,10MB,100MB] [--rounds N] [--only flip|bare]

What is measured and how: benchmarks/README.md.
"""

import argparse
import importlib.util
import itertools
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bare import bare_net
from memory import MemoryWatch, below, children, command

HERE = Path(__file__).parent
TRUSTS = ["alpha", "beta"]
ROUNDS = {1024: 5, 10 * 10**6: 3, 100 * 10**6: 2}  # enough for a median, and minutes in all
UNITS = {"KB": 1024, "MB": 10**6, "GB": 10**9}
ROLES = ["SuperLink", "SuperNode", "ServerApp", "ClientApp", "hub", "one trust"]


@dataclass
class Measured:
    rounds: list[float]
    first_line: float  # start call → first line of a ClientApp, seconds
    before_start: float | None  # FLIP only: run prepared → start call, that is both SuperNodes coming online
    replies: list[float]  # part of each round until both replies are in the ServerApp
    largest: dict[str, float] = field(default_factory=dict)
    together: dict[str, float] = field(default_factory=dict)

    @property
    def round(self) -> float:
        return statistics.median(self.rounds)


def net_of_the_tests() -> Any:
    """The helpers that open a real FLIP net, from fl/tests."""
    spec = importlib.util.spec_from_file_location("net_of_the_tests", HERE.parent / "fl" / "tests" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def measure_bare(helpers: Any, root: Path, size: int, rounds: int, timeout: float) -> Measured:
    ports = [helpers.free_port() for _ in range(1 + len(TRUSTS))]
    files = helpers.app_files(HERE / "rounds_app")
    with bare_net(root, ports, TRUSTS) as net, watched(net.roles) as watch:
        config = {"model-bytes": size, "num-server-rounds": rounds}
        started, server, client = net.run(files, timeout, **config)
    return read(started, server, client, None, watch)


def measure_flip(helpers: Any, root: Path, size: int, rounds: int, timeout: float) -> Measured:
    archive = helpers.zipped(helpers.app_files(HERE / "rounds_app"))
    with helpers.running_net(root) as net, watched(lambda: flip_roles(net)) as watch:
        config = {"model-bytes": size, "num-server-rounds": rounds}
        preparing = time.time()
        run_id, prepared = net.prepare(len(TRUSTS), archive, **config)
        nodes = [net.join(run_id, trust, prepared["fab_sha256"]) for trust in TRUSTS]
        while sum(n["online"] for n in net.client.get(f"/v1/runs/{run_id}").json()["nodes"]) < len(nodes):
            time.sleep(0.1)
            if time.time() - preparing > 60:
                raise TimeoutError(f"The SuperNodes did not come online; their logs are in {root}.")
        started = time.time()
        net.client.post(f"/v1/runs/{run_id}/start").raise_for_status()
        events = net.follow(run_id, timeout)
        server = "\n".join(line for e in events if e["kind"] == "log" for line in e["payload"]["lines"])
        client = "".join((node.work / "clientapp.log").read_text() for node in nodes)
        if events[-1]["payload"]["outcome"] != "succeeded":
            raise RuntimeError(f"The run under FLIP failed: {events[-1]['payload']}\n{server}")
        for node in nodes:
            node.stop()
    return read(started, server, client, started - preparing, watch)


def flip_roles(net: Any) -> dict[str, list[int]]:
    tree = children()
    hub = below(net.process.pid, tree)
    superlink = [p for p in hub if "flip_fl.cli superlink" in command(p)]
    nodes = [n.process.pid for n in net.nodes]
    clients = [p for n in nodes for p in below(n, tree)]
    found = {"SuperLink": superlink, "SuperNode": nodes, "ClientApp": clients}
    found["ServerApp"] = [p for p in hub if p not in superlink]
    found["hub"] = [net.process.pid, *hub]
    if nodes:
        found["one trust"] = [nodes[0], *below(nodes[0], tree)]
    return found


@contextmanager
def watched(roles: Any):
    watch = MemoryWatch(roles)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()


def read(started: float, server: str, client: str, before_start: float | None, watch: MemoryWatch) -> Measured:
    begins = [float(t) for t in re.findall(r"BENCH round (\d+\.\d+)", server)]
    replies = [float(t) for t in re.findall(r"BENCH replies (\d+\.\d+)", server)]
    lines = [float(t) for t in re.findall(r"BENCH client (\d+\.\d+)", client)]
    return Measured(
        rounds=[b - a for a, b in itertools.pairwise(begins)],
        first_line=min(lines) - started,
        before_start=before_start,
        replies=[b - a for a, b in zip(begins, replies, strict=False)],
        largest=watch.largest,
        together=watch.together,
    )


def size_of(text: str) -> int:
    match = re.fullmatch(r"(\d+)(KB|MB|GB)", text.strip().upper())
    if match is None:
        raise SystemExit(f"--sizes takes sizes such as 1KB,10MB,100MB; {text!r} is none.")
    return int(match[1]) * UNITS[match[2]]


def name_of(size: int) -> str:
    unit = next(u for u in ("GB", "MB", "KB") if size % UNITS[u] == 0)
    return f"{size // UNITS[unit]} {unit}"


def table(results: dict[int, dict[str, list[Measured]]]) -> str:
    out = ["| model | round, Flower alone | round, FLIP | FLIP ÷ Flower | Flower ÷ FLIP |", "|---|---|---|---|---|"]
    for size, sides in results.items():
        times = {side: [s for m in runs for s in m.rounds] for side, runs in sides.items()}
        middle = {side: statistics.median(values) for side, values in times.items()}
        bare, flip = middle.get("bare"), middle.get("flip")
        ratio = f"{flip / bare:.0%} | {bare / flip:.1f} ×" if bare and flip else "– | –"
        out.append(f"| {name_of(size)} | {_seconds(bare)} | {_seconds(flip)} | {ratio} |")
    out += ["", "| model | | start call → first ClientApp line | nodes up before it | " + " | ".join(ROLES) + " |"]
    out.append("|---" * (4 + len(ROLES)) + "|")
    for size, sides in results.items():
        for side, runs in sides.items():
            first = statistics.median(m.first_line for m in runs)
            before = [m.before_start for m in runs if m.before_start is not None]
            cells = [f"{max(m.largest.get(r, 0) for m in runs):.0f}" for r in ROLES[:4]]
            cells += [f"{max(m.together.get(r, 0) for m in runs):.0f}" for r in ROLES[4:]]
            up = _seconds(statistics.median(before)) if before else "long-lived"
            label = {"bare": "Flower alone", "flip": "FLIP"}[side]
            out.append(f"| {name_of(size)} | {label} | {first:.1f} s | {up} | " + " | ".join(cells) + " |")
    out.append("\nMemory in MiB: RSS of the largest process of the role; hub and one trust: PSS of all its processes.")
    return "\n".join(out)


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1KB,10MB,100MB", help="model sizes, in this order")
    parser.add_argument("--rounds", type=int, help="rounds per run (default: 5, 3 and 2 by size)")
    parser.add_argument("--repeats", type=int, default=1, help="runs per size and side, alternating")
    parser.add_argument("--only", choices=["flip", "bare"])
    parser.add_argument("--timeout", type=float, default=600, help="seconds that one run may take")
    parser.add_argument("--keep", type=Path, help="an empty folder for the logs; by default they are deleted")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what was started is stopped too
    helpers = net_of_the_tests()
    sides = {"bare": measure_bare, "flip": measure_flip}
    results: dict[int, dict[str, list[Measured]]] = {}
    with tempfile.TemporaryDirectory(prefix="flip-rounds-") as temporary:
        base = arguments.keep or Path(temporary)
        for size in map(size_of, arguments.sizes.split(",")):
            rounds = arguments.rounds or ROUNDS.get(size, 2)
            for repeat in range(arguments.repeats):
                for side, measure in sides.items():
                    if arguments.only not in (None, side):
                        continue
                    root = base / f"{side}-{size}-{repeat}"
                    root.mkdir(parents=True)
                    load = os.getloadavg()[0]
                    measured = measure(helpers, root, size, rounds, arguments.timeout)
                    results.setdefault(size, {}).setdefault(side, []).append(measured)
                    print(
                        f"{name_of(size)} {side}: rounds "
                        f"{', '.join(f'{s:.2f}' for s in measured.rounds)} s; of which until both replies "
                        f"{', '.join(f'{s:.2f}' for s in measured.replies)} s; load before {load:.1f}",
                        flush=True,
                    )
    print(f"\n{os.cpu_count()} cores\n\n{table(results)}")


if __name__ == "__main__":
    main()

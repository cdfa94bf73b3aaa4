"""What the sandbox costs: a message's process with and without it, its start, and bytes through its door.

    .venv-fl/bin/python benchmarks/sandbox.py [--tasks 60]

Both sides alternate in the same run. A task here does nothing, so all of its time is fork, folders, wall and end.
"""

import argparse
import resource
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path

from flip_contracts.sandbox import SandboxLevel
from flip_fl.executor import zygotes
from flip_fl.executor.launcher import AppLaunch, Limits, RunPlace
from flip_fl.executor.zygotes import ZygoteLauncher
from flip_fl.sandbox.relay import Relay

NOTHING = (
    "import sys, types; from flip_fl.executor import zygote, end\n"
    "def perform(kind, order): print('done', flush=True); raise end.EndOfTask(0)\n"
    "sys.modules['nothing'] = types.SimpleNamespace(install=lambda kind: None, perform=perform)\n"
    "zygote.RUNNERS['probe'] = 'nothing'; zygote.main()"
)


def one(launcher: ZygoteLauncher, place: RunPlace, number: int) -> float:
    started = time.perf_counter()
    process = launcher.launch(AppLaunch(place, "", None, "", place.writable[0] / str(number)))
    process.output.read()
    if process.wait() != 0:
        raise SystemExit((place.folder / "zygote.log").read_text())
    took = time.perf_counter() - started
    process.output.close()
    process.clean()
    return took


def throughput(through_relay: bool, megabytes: int = 400) -> tuple[float, float]:
    """Seconds of wall and of CPU for so much over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as door:
        target = server.getsockname()[1]
        relay = Relay(door, target)
        if through_relay:
            relay.start()
            target = door.getsockname()[1]
        block = b"x" * 2**20

        def send() -> None:
            with server.accept()[0] as connection:
                for _ in range(megabytes):
                    connection.sendall(block)

        threading.Thread(target=send, daemon=True).start()
        used, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        with socket.create_connection(("127.0.0.1", target)) as sock:
            buffer = bytearray(2**20)
            while sock.recv_into(buffer):
                pass
        took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
        return took, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=60)
    tasks = parser.parse_args().tasks
    zygotes.ZYGOTE = ("-c", NOTHING)
    first: dict[SandboxLevel, float] = {}
    times: dict[SandboxLevel, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="flip-sandbox-") as temporary:
        sides = {}
        for level in SandboxLevel:
            root = Path(temporary) / level
            place = RunPlace(str(level), "probe", root / "zygote", {}, Limits(), (root / "apps",))
            sides[level] = (ZygoteLauncher(level), place)
            first[level] = one(*sides[level], 0)
        for number in range(1, tasks + 1):
            for level, side in sides.items():
                times.setdefault(level, []).append(one(*side, number))
        for launcher, _ in sides.values():
            launcher.close()
    bare = statistics.median(times[SandboxLevel.NONE])
    print(f"| level | first task, with its parent | a task (median of {tasks}) | beside none |\n|---|---|---|---|")
    for level, values in times.items():
        middle = statistics.median(values)
        print(f"| {level} | {first[level] * 1000:.0f} ms | {middle * 1000:.1f} ms | {(middle - bare) * 1000:+.1f} ms |")
    print("\n| 400 MB over loopback | seconds | CPU seconds |\n|---|---|---|")
    for name, through in (("straight", False), ("through a door", True)):
        took, used = throughput(through)
        print(f"| {name} | {took:.2f} | {used:.2f} |")


if __name__ == "__main__":
    main()

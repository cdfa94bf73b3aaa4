"""Seconds from the command to its end: `flip app run` beside `flwr run` (flwr[simulation], ray), the same app.

    .venv-fl/bin/python benchmarks/local_run.py --flwr PATH_TO_VENV_BIN [--runs 5] [--app FOLDER --data FOLDER]

Without --flwr an environment with flwr[simulation] is made in a temporary folder first: minutes, and a package index.
Without --app a trivial one is used: three values, three rounds, two trusts. The two take turns, so that a busy moment
of the machine hits both. `flwr run` works offline with its own FLWR_HOME, from a neutral folder, and everything that it
leaves running is ended by process id. Its first run also starts the daemon; it is told apart from those after it.
"""

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPO = Path(__file__).parents[1]
FLIP = Path(sys.executable).parent / "flip"
IMAGES = "accession-resources"
SERVER = """
import numpy as np
from flip import FLIP
from flwr.app import ArrayRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()

@app.main()
def main(grid, context, flip=FLIP()):
    FedAvg(fraction_evaluate=0.0).start(grid=grid, initial_arrays=ArrayRecord([np.zeros(3)]), num_rounds=3)
    flip.update_status("model", "RESULTS_UPLOADED")
"""
CLIENT = """
import os
from flip import FLIP
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()

@app.train()
def train(msg, context):
    server_round = msg.content["config"]["server-round"]
    FLIP().send_metrics(os.getenv("SUPERNODE_NAME"), "model", "TRAIN_LOSS", 1 / server_round, round=server_round)
    arrays = ArrayRecord([values + 1 for values in msg.content["arrays"].to_numpy_ndarrays()])
    return Message(RecordDict({"arrays": arrays, "metrics": MetricRecord({"num-examples": 1})}), reply_to=msg)
"""
PROJECT = """
[project]
name = "trivial"
version = "1.0.0"
[tool.flwr.app]
publisher = "flip"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"
[tool.flwr.app.config]
"""


def trivial_app(root: Path) -> Path:
    (root / "app").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PROJECT)
    for name, text in (("__init__", ""), ("server_app", SERVER), ("client_app", CLIENT)):
        (root / "app" / f"{name}.py").write_text(text)
    return root


def made_environment(root: Path) -> Path:
    """A fresh environment with flwr[simulation] and the SDK. Returns its folder of programs."""
    print("Making an environment with flwr[simulation] ...", flush=True)
    subprocess.run([sys.executable, "-m", "venv", root], check=True)
    pip = [root / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "flwr[simulation]==1.42.0", f"{REPO / 'sdk'}[tabular]"], check=True)
    return root / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def flower_home(folder: Path, programs: Path, data: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of `flwr run`; afterwards nothing that it started is left."""
    folder.mkdir()
    environment = {
        **os.environ,
        **data,
        "PATH": f"{programs}:/usr/bin:/bin",
        "FLWR_HOME": str(folder),
        "FLWR_LOCAL_SUPERLINK_HTTP_API_PORT": str(free_port()),
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_TELEMETRY_ENABLED": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    try:
        yield environment
    finally:
        for _ in range(50):  # the daemon and ray's processes carry our FLWR_HOME, which is no one else's
            if not (left := processes_of(folder)):
                break
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.1)


def processes_of(home: Path) -> list[int]:
    mark = f"FLWR_HOME={home}\0".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes() + b"\0":
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def seconds_of(command: list, cwd: Path, environment: dict[str, str], wanted: str) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)
    seconds = time.perf_counter() - started
    said = done.stdout + done.stderr
    if done.returncode or wanted not in said:
        sys.exit(f"{command[0]} did not run to its end:\n{said[-3000:]}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flwr", type=Path, help="bin folder of an environment with flwr[simulation] and the SDK")
    parser.add_argument("--runs", type=int, default=5, help="of each (default 5)")
    parser.add_argument("--app", type=Path, help="the app to run; a trivial one where none is given")
    parser.add_argument("--data", type=Path, help="folder with dataframe.csv and accession-resources/, for both")
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="flip-local-run-"))
    try:
        programs = arguments.flwr.resolve() if arguments.flwr else made_environment(root / "venv")
        app = arguments.app.resolve() if arguments.app else trivial_app(root / "trivial")
        data = {}
        if arguments.data:
            folder = arguments.data.resolve()
            data["DEV_DATAFRAME"], data["DEV_IMAGES_DIR"] = str(folder / "dataframe.csv"), str(folder / IMAGES)
        neutral = root / "elsewhere"
        neutral.mkdir()
        ours, theirs = [], []
        with flower_home(root / "home", programs, data) as environment:
            for number in range(arguments.runs + 1):
                command = [programs / "flwr", "run", app, "--stream"]
                theirs.append(seconds_of(command, neutral, environment, "Received 2 results and 0 failures"))
                command = [FLIP, "app", "run", app, "--trusts", "2"]
                ours.append(seconds_of(command, neutral, {**os.environ, **data}, "Done in"))
                print(f"run {number}: flip app run {ours[-1]:.2f} s, flwr run {theirs[-1]:.2f} s", flush=True)
        report(ours, theirs)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def report(ours: list[float], theirs: list[float]) -> None:
    """Run 0 warms the disk's cache, and starts Flower's daemon; medians are of the runs after it."""
    flip, flwr = statistics.median(ours[1:]), statistics.median(theirs[1:])
    print(f"\nmedian of {len(ours) - 1} runs, 2 trusts, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"  flip app run   {flip:6.2f} s  (first {ours[0]:.2f} s)")
    print(f"  flwr run       {flwr:6.2f} s  (first {theirs[0]:.2f} s, with the start of its daemon)")
    print(f"  ratio          {flwr / flip:6.1f}")


if __name__ == "__main__":
    main()

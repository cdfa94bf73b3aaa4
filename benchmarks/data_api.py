"""A cohort of 100,000 rows and 20 columns, from the trust's data API into pandas: how long, beside bare formats.

    .venv/bin/python -m benchmarks.data_api [--rows N]

The data API is the real one, in a server process of its own, over a real store; the app's side is `flip.client` as in
a run. Beside it: the same frame as Parquet and as Arrow IPC from a file (if pyarrow is there), and as CSV.
"""

import argparse
import datetime as dt
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.frozen import run_of_cohort

KINDS = ["string", "int64", "float64", "boolean", "date"] * 4
TOKEN, NOBODY = "token-of-a-benchmark", "http://127.0.0.1:9"


def rows_of(count: int) -> list[list[Any]]:
    draw = random.Random(0)
    values: dict[str, Callable[[int], Any]] = {
        "string": lambda i: f"ACC{i:07d}",
        "int64": lambda i: draw.randrange(1000),
        "float64": lambda i: draw.random(),
        "boolean": lambda i: draw.random() < 0.5,
        "date": lambda i: (dt.date(2015, 1, 1) + dt.timedelta(days=i % 3650)).isoformat(),
    }
    return [[None if draw.random() < 0.05 else values[kind](i) for kind in KINDS] for i in range(count)]


def serve(folder: Path) -> None:
    """The data API over what `main` put into the store; the port is printed."""
    import socket

    import uvicorn

    from flip_trust.agent import Agent
    from flip_trust.data_api.app import create_data_api
    from flip_trust.settings import TrustSettings

    agent = Agent(TrustSettings(**settings(folder)))
    api = create_data_api(agent.store, agent.approvals, agent.images, agent.outbox, agent.rules, agent.witness)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(api, log_level="warning", access_log=False)).run(sockets=[listening])


def settings(folder: Path) -> dict[str, Any]:
    return {
        "data_dir": folder / "state",
        "hub_url": NOBODY,
        "omop_path": folder / "omop.duckdb",
        "dicom_dir": folder,
        "fl_command": folder / "none",
    }


def approve(folder: Path, rows: list[list[Any]]) -> str:
    """The project whose frozen cohort they are, in a new hospital's database."""
    from flip_trust.agent import Agent
    from flip_trust.settings import TrustSettings
    from flip_trust.synthetic.omop import synthesise

    synthesise(folder / "omop.duckdb", 1, 50, lambda table, count: None)
    agent, project = Agent(TrustSettings(**settings(folder))), uuid4()
    columns = [(f"c{n}", kind) for n, kind in enumerate(KINDS)]
    start = time.perf_counter()
    run_of_cohort(agent, project, columns, rows, TOKEN)
    print(f"approving, freezing and packing it, once:      {time.perf_counter() - start:6.2f} s")
    return str(project)


def median(what: Callable[[], Any], times: int = 5) -> float:
    took: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        what()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    import pandas as pd

    from flip import FLIP, protocol

    rows = rows_of(count)
    print(f"{count:,} rows x {len(KINDS)} columns; medians of 5")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = approve(folder, rows)
        server = subprocess.Popen([sys.executable, "-m", "benchmarks.data_api", "serve", name], stdout=subprocess.PIPE)
        assert server.stdout is not None
        try:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            os.environ |= {protocol.ENV_MODE: "client", protocol.ENV_URL: url, protocol.ENV_RUN_TOKEN: TOKEN}
            flip = FLIP()
            frame = flip.get_dataframe(project, "*")
            assert len(frame) == count
            ours = median(lambda: flip.get_dataframe(project, "*"))
            print(f"data API to pandas, types kept:               {ours:6.2f} s")
            beside("bare: pandas.DataFrame of the rows, untyped", median(lambda: pd.DataFrame(rows)), ours)
            frame.to_csv(folder / "x.csv", index=False)
            beside("bare: pandas.read_csv of a file, untyped", median(lambda: pd.read_csv(folder / "x.csv")), ours)
            arrow(frame, folder, ours)
        finally:
            server.terminate()
            server.wait()


def arrow(frame: Any, folder: Path, ours: float) -> None:
    try:
        import pyarrow  # noqa: F401  not a dependency: measured where it is installed
    except ImportError:
        print("(pyarrow is not installed: Parquet and Arrow are not measured)")
        return
    import pandas as pd

    frame.to_parquet(folder / "x.parquet")
    frame.to_feather(folder / "x.arrow")
    beside("bare: pandas.read_parquet of a file", median(lambda: pd.read_parquet(folder / "x.parquet")), ours)
    beside("bare: pandas.read_feather (Arrow) of a file", median(lambda: pd.read_feather(folder / "x.arrow")), ours)


def beside(name: str, seconds: float, ours: float) -> None:
    print(f"  {name:<44}{seconds:6.2f} s   ratio {ours / seconds:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]))
    else:
        main()

"""What the SDK costs an app: import time, `send_metrics` per call, and a cohort as a data frame.

    .venv/bin/python benchmarks/sdk.py

Each figure stands beside that of the bare tool in the same run: an empty interpreter, one `write` of a JSON line,
`json.loads` and `pandas.DataFrame` without types.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CALLS = 20_000
IMPORTS = 10
ROWS = 100_000
TOKEN = "token-of-a-benchmark"


class Handler(BaseHTTPRequestHandler):
    """Takes metrics as a trust's data API does, and counts them."""

    taken = 0
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Handler.taken += len(body["points"])
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve() -> None:
    """The server in a process of its own, so that it does not share the interpreter lock of the app."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()  # until the benchmark closes the pipe
    print(Handler.taken, flush=True)


def milliseconds_of(code: str) -> list[float]:
    script = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
    return [float(subprocess.check_output([sys.executable, "-c", script])) * 1e3 for _ in range(IMPORTS)]


def per_call(call: Callable[[int], None]) -> list[float]:
    """Microseconds of each of CALLS calls."""
    took: list[float] = []
    for i in range(CALLS):
        start = time.perf_counter_ns()
        call(i)
        took.append((time.perf_counter_ns() - start) / 1e3)
    return took


def show(name: str, took: list[float], unit: str) -> None:
    p99 = statistics.quantiles(took, n=100)[98] if len(took) >= 100 else max(took)
    last = "p99" if len(took) >= 100 else "max"
    print(f"{name:<44} median {statistics.median(took):9.1f} {unit}   {last} {p99:9.1f} {unit}   max {max(took):9.1f}")


def imports() -> None:
    show("import flip", milliseconds_of("import flip"), "ms")
    show("  bare: import json, http.client", milliseconds_of("import json, http.client"), "ms")


def metrics() -> None:
    from flip import FLIP, protocol

    flip = FLIP()

    def send(i: int) -> None:
        flip.send_metrics("trust-alpha", "m", label="TRAIN_LOSS", value=0.5, round=i)

    server = subprocess.Popen([sys.executable, __file__, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    url = f"http://127.0.0.1:{int(server.stdout.readline())}"
    platform = {protocol.ENV_MODE: "client", protocol.ENV_URL: url, protocol.ENV_RUN_TOKEN: TOKEN}
    os.environ.update(platform)
    show(f"send_metrics, platform ({CALLS} calls)", per_call(send), "us")
    start = time.perf_counter()
    assert flip.flush(60)
    waited = time.perf_counter() - start
    server.stdin.close()
    taken = int(server.stdout.readline())
    server.wait()
    print(f"  flush afterwards {waited:.2f} s; the server took {taken} of {CALLS}")
    for name in platform:
        del os.environ[name]

    with tempfile.TemporaryDirectory() as folder:
        os.environ[protocol.ENV_LOCAL_DIR] = folder
        show("send_metrics, local mode", per_call(send), "us")
        with Path(folder, "bare.jsonl").open("a", encoding="utf-8") as file:

            def write(i: int) -> None:
                file.write(json.dumps({"label": "TRAIN_LOSS", "value": 0.5, "round": i}) + "\n")
                file.flush()

            show("  bare: one line into an open file", per_call(write), "us")
        del os.environ[protocol.ENV_LOCAL_DIR]


def frames() -> None:
    import pandas as pd

    from flip import protocol
    from flip._frame import frame_from_cohort, frame_from_csv

    draw = random.Random(0)
    kinds = ["string", "int64", "float64", "boolean", "date"] * 4
    values: dict[str, Callable[[int], Any]] = {
        "string": lambda i: f"A{i:07d}",
        "int64": lambda i: draw.randrange(1000),
        "float64": lambda i: draw.random(),
        "boolean": lambda i: draw.random() < 0.5,
        "date": lambda i: f"20{i % 20:02d}-{i % 12 + 1:02d}-{i % 28 + 1:02d}",
    }
    rows = [[None if draw.random() < 0.05 else values[kind](i) for kind in kinds] for i in range(ROWS)]
    columns = tuple(protocol.Column(f"c{n}", protocol.ColumnType(kind)) for n, kind in enumerate(kinds))
    text = json.dumps(protocol.Cohort(columns, rows).to_json())

    def seconds(what: Callable[[], Any]) -> float:
        took: list[float] = []
        for _ in range(3):
            start = time.perf_counter()
            what()
            took.append(time.perf_counter() - start)
        return statistics.median(took)

    cohort = protocol.Cohort.from_json(json.loads(text))
    print(f"cohort of {ROWS} rows x {len(kinds)} columns, {len(text) / 1e6:.0f} MB of JSON; median of 3")
    print(f"  frame_from_cohort, typed         {seconds(lambda: frame_from_cohort(cohort)):6.2f} s")
    print(f"  bare: pandas.DataFrame, untyped  {seconds(lambda: pd.DataFrame(rows)):6.2f} s")
    print(f"  bare: json.loads                 {seconds(lambda: json.loads(text)):6.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cohort.csv")
        frame_from_cohort(cohort).to_csv(path, index=False)
        print(f"  frame_from_csv, typed            {seconds(lambda: frame_from_csv(path)):6.2f} s")
        print(f"  bare: pandas.read_csv            {seconds(lambda: pd.read_csv(path)):6.2f} s")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        imports()
        metrics()
        frames()

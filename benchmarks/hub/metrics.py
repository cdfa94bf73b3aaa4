"""Metric points: how fast they are kept, beside MLflow's `log_batch` in the same run; how fast a million are drawn.

    .venv/bin/python -m benchmarks.hub.metrics [--mlflow PYTHON] [--points 200000]

`--mlflow` names the Python of an environment with MLflow, which wants another SQLAlchemy than the hub; it logs the same
points in batches of 1,000, its most, into SQLite, its default.
The hub takes them as it takes them from trusts: batches of 5,000 over the HTTP API, checked, each once, with events.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import numpy as np
from benchmarks.hub.platform import Platform, bearer, point

from flip_contracts.messages import MetricsMessage
from flip_hub.db import now
from flip_hub.metrics.tables import SMALL, MetricChunk, MetricSeries

BATCH, MILLION = 5000, 1_000_000
MLFLOW = """
import sys, time
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
uri, points = sys.argv[1], int(sys.argv[2])
client = MlflowClient(uri)
run = client.create_run(client.create_experiment("x")).info.run_id
batches = [[Metric("LOSS", float(i), 0, i) for i in range(start, start + 1000)] for start in range(0, points, 1000)]
began, cpu = time.perf_counter(), time.process_time()
for batch in batches:
    client.log_batch(run, metrics=batch)
print(points / (time.perf_counter() - began), points / (time.process_time() - cpu))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--mlflow", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flip-metrics-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        platform = Platform(Path(folder))
        try:
            _measure(platform, asked.points, asked.mlflow, Path(folder))
        finally:
            platform.stop()


def _measure(platform: Platform, points: int, mlflow: str, folder: Path) -> None:
    admin, ann = platform.person("admin", "admin@x.example"), platform.person("researcher", "ann@x.example")
    token = platform.trust(admin, "alpha")
    model = platform.model(ann, platform.project("ann@x.example", "P", ["alpha"]))
    with httpx.Client(base_url=platform.urls()[0], timeout=60, trust_env=False) as client:
        run = client.post(f"/api/v1/models/{model}/runs", headers=bearer(ann), json={}).json()["id"]
        ours = _ingest(platform, client, token, run, points)
        print(f"hub, over HTTP:       {ours[0]:9,.0f} points/s   {ours[1]:9,.0f} points per CPU second of the hub")
        if mlflow:
            uri = f"sqlite:///{folder / 'mlflow.db'}"
            command = [mlflow, "-c", MLFLOW, uri, str(points // 10)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-2:]
            theirs = tuple(map(float, told))
            print(
                f"MLflow log_batch:     {theirs[0]:9,.0f} points/s   {theirs[1]:9,.0f} points per CPU second of MLflow"
            )
            print(f"ratio:                {ours[0] / theirs[0]:9.1f}            {ours[1] / theirs[1]:9.1f}")
        _chart(platform, client, ann, UUID(run))


def _ingest(platform: Platform, client: httpx.Client, token: str, run: str, points: int) -> tuple[float, float]:
    bodies = []
    for start in range(0, points, BATCH):
        batch = [point(float(n), n) for n in range(start, start + BATCH)]
        MetricsMessage.model_validate({"id": uuid4(), "kind": "metrics", "run_id": run, "points": batch})
        message = {"id": str(uuid4()), "kind": "metrics", "run_id": run, "points": batch}
        bodies.append(httpx.Request("POST", "http://x", json={"messages": [message]}).content)
    headers = bearer(token) | {"content-type": "application/json"}
    pid = platform.processes[0].pid
    began, cpu = time.perf_counter(), _cpu(pid)
    for body in bodies:
        answer = client.post("/api/trust/v1/messages", content=body, headers=headers)
        assert answer.json()["rejected"] == [], answer.text
    return points / (time.perf_counter() - began), points / (_cpu(pid) - cpu)


def _chart(platform: Platform, client: httpx.Client, ann: str, run: UUID) -> None:
    """A series of a million, in chunks as compaction leaves them."""
    walk = np.cumsum(np.random.default_rng(1).normal(size=MILLION))
    with platform.database.session() as session:
        series = MetricSeries(
            run_id=run, source="", label="MILLION", x_label="step", points=MILLION, last_x=MILLION - 1.0,
            last_value=walk[-1], last_at=now(), lowest=walk.min(), highest=walk.max(),
        )  # fmt: skip
        session.add(series)
        session.flush()
        for at in range(0, MILLION, SMALL):
            xs, ys = np.arange(at, min(at + SMALL, MILLION), dtype=">f8"), walk[at : at + SMALL].astype(">f8")
            rounds, ats = np.zeros(len(xs), ">i4"), np.zeros(len(xs), ">f8")
            columns = {"xs": xs, "ys": ys, "rounds": rounds, "ats": ats}
            binary = {name: column.tobytes() for name, column in columns.items()}
            session.add(MetricChunk(series_id=series.id, points=len(xs), client_name="", **binary))
    took = []
    for _ in range(15):
        began = time.perf_counter()
        answer = client.get(f"/api/v1/runs/{run}/metrics", params={"label": "MILLION"}, headers=bearer(ann))
        took.append(time.perf_counter() - began)
        (drawn,) = answer.json()
        assert (drawn["total"], len(drawn["points"])) == (MILLION, 2000)
    took.sort()
    print(f"chart of 1,000,000 points (2,000 drawn): median {statistics.median(took) * 1000:.0f} ms, ", end="")
    print(f"worst of {len(took)} {took[-1] * 1000:.0f} ms; its peak is kept: {_peak(drawn) == float(walk.max())}")


def _peak(drawn: dict) -> float:
    return max(value for _, value in drawn["points"])


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()

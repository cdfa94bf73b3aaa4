"""People polling and streaming, trusts claiming tasks, runs logging metrics, all at once; by locust.

    .venv/bin/python -m benchmarks.hub.load [--minutes 10] [--people 200] [--trusts 50] [--runs 10] [--workers 1]

Prints the 95th percentile of reads, of the way from a trust's `send_metrics` to a person's stream, errors, and the
hub's memory at the start and the end. Locust itself takes about as much processor time as the hub: on two cores they
share.
"""

import argparse
import csv
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import psutil
from benchmarks.hub.platform import Platform, bearer, rss_mib
from sqlalchemy import select

from flip_contracts.statuses import RunState, RunTrustState
from flip_hub.auth import sha256
from flip_hub.db import now
from flip_hub.projects.tables import ProjectMember
from flip_hub.runs.tables import Run, RunTrust
from flip_hub.users.tables import ApiToken, User


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--trusts", type=int, default=50)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1, help="processes of the hub: FLIP_HUB_WORKERS")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flip-load-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        platform = Platform(Path(folder), FLIP_HUB_WORKERS=str(asked.workers))
        platform.net.seconds = 24 * 3600
        try:
            _run(platform, asked, Path(folder))
        finally:
            platform.stop()


def _run(platform: Platform, asked: argparse.Namespace, folder: Path) -> None:
    admin, ann = platform.person("admin", "admin@x.example"), platform.person("researcher", "ann@x.example")
    names = [f"trust{number}" for number in range(asked.trusts)]
    trust_tokens = [platform.trust(admin, name) for name in names]
    project = platform.project("ann@x.example", "P", names)
    runs = []
    for _ in range(asked.runs):
        model = platform.model(ann, project)
        url = f"{platform.urls()[0]}/api/v1/models/{model}/runs"
        runs.append(httpx.post(url, headers=bearer(ann), json={}, timeout=60, trust_env=False).json()["id"])
    _put_to_work(platform, runs)
    plan = {"readers": asked.people, "trusts": asked.trusts, "runs": runs, "trust_tokens": trust_tokens}
    plan["tokens"] = _people(platform, project, asked.people)
    pid = platform.processes[0].pid
    before, cpu = _rss(pid), _cpu(pid)
    command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("locustfile.py")), "--headless"]
    command += ["-u", str(asked.people + asked.trusts), "-r", "25", "-t", f"{round(asked.minutes * 60)}s"]
    command += ["--host", platform.urls()[0], "--csv", str(folder / "told"), "--only-summary", "--loglevel", "ERROR"]
    environment = {**os.environ, "FLIP_LOAD_PLAN": json.dumps(plan)}
    began = time.monotonic()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    took = time.monotonic() - began
    _report(folder / "told_stats.csv")
    print(f"hub: {before:.0f} MiB at the start, {_rss(pid):.0f} MiB at the end, ", end="")
    print(f"{(_cpu(pid) - cpu) / took:.2f} processors busy on average over {took:.0f} s")


def _put_to_work(platform: Platform, runs: list[str]) -> None:
    """As if every trust had joined: what is measured is a hub whose runs are at work."""
    with platform.database.session() as session:
        for run in session.scalars(select(Run).where(Run.id.in_(map(UUID, runs)))):
            run.state, run.starting_at, run.running_at, run.progress_at = RunState.RUNNING, now(), now(), now()
            run.started_on_net = True
        for part in session.scalars(select(RunTrust)):
            part.state = RunTrustState.ONLINE


def _people(platform: Platform, project: UUID, count: int) -> list[str]:
    """Viewers of the project, each with an API token."""
    tokens = [f"flip_{secrets.token_urlsafe(24)}" for _ in range(count)]
    with platform.database.session() as session:
        for number, token in enumerate(tokens):
            user = User(email=f"p{number}@x.example", name=f"P{number}", role="viewer")
            session.add(user)
            session.flush()
            session.add(ProjectMember(project_id=project, user_id=user.id))
            until = now() + timedelta(days=1)
            row = {"user_id": user.id, "name": "load", "expires_at": until, "kind": "token", "restricted": ""}
            session.add(ApiToken(token_sha256=sha256(token), scopes=["read"], **row))
    return tokens


def _report(path: Path) -> None:
    with path.open() as source:
        rows = list(csv.DictReader(source))
    print(f"{'':26}{'requests':>9}{'failed':>8}{'median':>9}{'p95':>9}{'p99':>9}")
    for row in rows:
        shown = (row["Name"], row["Request Count"], row["Failure Count"], row["50%"], row["95%"], row["99%"])
        print("{:26}{:>9}{:>8}{:>6} ms{:>6} ms{:>6} ms".format(*shown))


def _processes(pid: int) -> list[psutil.Process]:
    hub = psutil.Process(pid)
    return [hub, *hub.children(recursive=True)]


def _rss(pid: int) -> float:
    """MiB, all processes of the hub together."""
    return sum(rss_mib(process.pid) for process in _processes(pid))


def _cpu(pid: int) -> float:
    """Seconds, of processes that are still there."""
    return sum(sum(process.cpu_times()[:2]) for process in _processes(pid))


if __name__ == "__main__":
    main()

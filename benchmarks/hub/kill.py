"""Kill hub processes, file scans and PostgreSQL at random under load, and count what was acknowledged and is not there.

    .venv/bin/python -m benchmarks.hub.kill [--kills 100] [--minutes 60]

Two hubs on one database. Trusts send metrics, claim and answer tasks; researchers upload files in pieces, ask cohort
queries, start runs. Every call is repeated until it is acknowledged, as the agents and the page do. In the end: each
acknowledged metric point is there once, each acknowledged file whole, each task had its effect once, no run is wedged,
the audit log is whole.
"""

import argparse
import base64
import collections
import hashlib
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psutil
from benchmarks.hub.platform import SQL, Platform, bearer, point, result_of
from demo.victims import postmaster
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from flip_contracts.statuses import TERMINAL_RUN_STATES, TaskState
from flip_hub.audit.proof import problems
from flip_hub.files.tables import ModelFile, Upload
from flip_hub.live.tables import Event
from flip_hub.metrics.tables import MetricSeries
from flip_hub.runs.tables import Run
from flip_hub.trusts.tables import TaskRow

TRUSTS, UPLOADERS, PIECE = 3, 2, 64 * 2**10


class Load:
    def __init__(self, platform: Platform, seed: int):
        self.platform, self.random = platform, random.Random(seed)
        self.done = threading.Event()
        self.points: collections.Counter[str] = collections.Counter()  # acknowledged, by run
        self.files: dict[tuple[UUID, str], str] = {}  # acknowledged whole: SHA-256
        self.queries: list[str] = []
        self.counts: collections.Counter[str] = collections.Counter()

    def call(self, method: str, path: str, token: str, insist: bool = False, **kwargs) -> httpx.Response | None:
        """Until a hub answers something that counts; None when the load ends first, unless it has to `insist`."""
        headers = bearer(token) | kwargs.pop("headers", {})
        while True:
            url = self.random.choice(self.platform.urls())
            try:
                answer = httpx.request(method, url + path, headers=headers, timeout=30, trust_env=False, **kwargs)
                if answer.status_code < 500:
                    self.counts["calls"] += 1
                    return answer
                self.counts["answered 5xx"] += 1
            except httpx.HTTPError:
                self.counts["cut off"] += 1
            if self.done.is_set() and not insist:
                return None
            time.sleep(0.2)

    def metrics(self, token: str, run: UUID) -> None:
        number = 0
        while not self.done.is_set():
            number += 1
            points = [point(float(n), number, f"LABEL{n % 3}") for n in range(50)]
            body = {"messages": [{"id": str(uuid4()), "kind": "metrics", "run_id": str(run), "points": points}]}
            answer = self.call("POST", "/api/trust/v1/messages", token, insist=True, json=body)
            if answer is not None:
                assert answer.json()["rejected"] == [], answer.text
                self.points[str(run)] += len(points)
            time.sleep(0.2)

    def tasks(self, token: str) -> None:
        while not self.done.is_set():
            claimed = self.call("POST", "/api/trust/v1/tasks/claim?wait=2", token, json={"max_tasks": 5})
            for task in claimed.json()["tasks"] if claimed is not None else ():
                message = {"id": str(uuid4()), "kind": "task_result", "task_id": task["id"], "result": result_of(task)}
                self.call("POST", "/api/trust/v1/messages", token, json={"messages": [message]})

    def queries_of(self, token: str, project: UUID) -> None:
        while not self.done.is_set():
            answer = self.call("POST", f"/api/v1/projects/{project}/cohort-queries", token, json={"sql": SQL})
            if answer is not None and answer.status_code == 201:
                self.queries.append(answer.json()["id"])
            self.done.wait(1.5)

    def runs(self, token: str, model: UUID) -> None:
        while not self.done.is_set():
            answer = self.call("POST", f"/api/v1/models/{model}/runs", token, json={})
            self.counts["runs initiated"] += answer is not None and answer.status_code == 201
            self.done.wait(2)

    def uploads(self, token: str, model: UUID) -> None:
        number = 0
        while not self.done.is_set():
            number += 1
            content, path = os.urandom(4 * PIECE).hex().encode(), f"data/{number}.txt"
            metadata = f"filename {base64.b64encode(path.encode()).decode()}"
            headers = {"tus-resumable": "1.0.0", "upload-length": str(len(content)), "upload-metadata": metadata}
            made = self.call("POST", f"/api/v1/models/{model}/uploads", token, headers=headers)
            if made is not None and made.status_code == 201 and self._send(token, made.headers["location"], content):
                self.files[model, path] = hashlib.sha256(content).hexdigest()
            self.done.wait(0.5)

    def _send(self, token: str, place: str, content: bytes) -> bool:
        """True once the last byte was acknowledged."""
        tus = {"tus-resumable": "1.0.0"}
        while not self.done.is_set():
            told = self.call("HEAD", place, token, headers=tus)
            if told is None or told.status_code == 404:  # whole, looked at, and a file of the model by now
                return told is not None
            at = int(told.headers["upload-offset"])
            if at == len(content):
                return True
            headers = {**tus, "upload-offset": str(at), "content-type": "application/offset+octet-stream"}
            self.call("PATCH", place, token, headers=headers, content=content[at : at + PIECE])
        return False


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60, help="no further kill after so long; then it is counted")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flip-kill-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # the embedded server runs as another user where we are root
        platform = Platform(Path(folder), hubs=2)
        try:
            _run(platform, asked.kills, asked.minutes, asked.seed)
        finally:
            platform.stop()


def _run(platform: Platform, kills: int, minutes: float, seed: int) -> None:
    load = Load(platform, seed)
    admin, ann = platform.person("admin", "admin@x.example"), platform.person("researcher", "ann@x.example")
    names = [f"trust{n}" for n in range(TRUSTS)]
    tokens = [platform.trust(admin, name) for name in names]
    draft = platform.project("ann@x.example", "draft", names, approved=False)
    trained = platform.project("ann@x.example", "trained", names)
    models = [platform.model(ann, trained) for _ in range(2)]
    files = [platform.model(ann, trained) for _ in range(UPLOADERS)]
    steady = load.call("POST", f"/api/v1/models/{platform.model(ann, trained)}/runs", ann, json={})
    assert steady is not None
    run = UUID(steady.json()["id"])
    jobs: list[Callable[[], None]] = [lambda t=t: load.metrics(t, run) for t in tokens]
    jobs += [lambda t=t: load.tasks(t) for t in tokens]
    jobs += [lambda m=m: load.runs(ann, m) for m in models]
    jobs += [lambda m=m: load.uploads(ann, m) for m in files]
    jobs.append(lambda: load.queries_of(ann, draft))
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    began, killed = time.monotonic(), collections.Counter[str]()
    while sum(killed.values()) < kills and time.monotonic() - began < minutes * 60:
        time.sleep(load.random.uniform(0.2, 2.0))
        victim = load.random.choice(["hub", "hub", "scan", "postgres"])
        killed[_kill(platform, load, victim)] += 1
        platform.wait_until_healthy()
        print(f"\r{sum(killed.values())} kills, {time.monotonic() - began:.0f} s", end="", flush=True)
    load.done.set()
    for thread in threads:
        thread.join(60)
    print(f"\nkilled: {dict(killed)}; load: {dict(load.counts)}")
    _settle(platform, load, tokens)
    _account(platform, load)


def _kill(platform: Platform, load: Load, victim: str) -> str:
    if victim == "scan":
        for hub in platform.processes:
            for child in psutil.Process(hub.pid).children(recursive=True):
                child.kill()
                return "scan"
    if victim == "postgres":
        children = psutil.Process(postmaster(platform.folder / "postgres")).children()
        if children:  # the postmaster throws everybody out and recovers, as after a crash
            os.kill(load.random.choice(children).pid, signal.SIGKILL)
            time.sleep(0.5)
            return "postgres"
    platform.kill_hub(load.random.randrange(len(platform.processes)))
    return "hub"


def _settle(platform: Platform, load: Load, tokens: list[str]) -> None:
    """Trusts go on answering until nothing is open, two minutes at most."""
    load.done.clear()
    threads = [threading.Thread(target=load.tasks, args=[token], daemon=True) for token in tokens]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and _open(platform):
        time.sleep(1)
    load.done.set()
    for thread in threads:
        thread.join(60)


def _open(platform: Platform) -> int:
    try:
        with platform.database.session() as session:
            runs = session.scalar(select(func.count()).where(~Run.closed)) or 0
            uploads = session.scalar(select(func.count()).where(Upload.state == "SCANNING")) or 0
            waiting = TaskRow.state.in_((TaskState.QUEUED, TaskState.LEASED))
            return runs + uploads + (session.scalar(select(func.count()).where(waiting)) or 0)
    except SQLAlchemyError:
        return 1


def _account(platform: Platform, load: Load) -> None:
    with platform.database.session() as session:
        kept = dict(
            session.execute(
                select(MetricSeries.run_id, func.sum(MetricSeries.points)).group_by(MetricSeries.run_id)
            ).all()
        )
        lost_points = sum(n - int(kept.get(UUID(run), 0)) for run, n in load.points.items())
        rows = select(ModelFile.model_id, ModelFile.path, ModelFile.sha256)
        have = {(m, p): digest for m, p, digest in session.execute(rows)}
        lost_files = sum(have.get(key) != digest for key, digest in load.files.items())
        states = dict(session.execute(select(Run.state, func.count()).group_by(Run.state)).all())
        wedged = sum(n for state, n in states.items() if state not in TERMINAL_RUN_STATES)
        told = select(func.count()).where(Event.kind == "cohort_answer")
        told = told.group_by(Event.payload["query_id"].astext, Event.payload["trust"].astext)
        answers = list(session.scalars(told))
        tasks = dict(session.execute(select(TaskRow.state, func.count()).group_by(TaskRow.state)).all())
        again = session.scalar(text("SELECT count(*) FROM tasks WHERE attempt > 1"))
        count, wrong = problems(session, {})
    print(f"metric points: {sum(load.points.values())} acknowledged, {lost_points} lost or doubled")
    print(f"files: {len(load.files)} acknowledged, {lost_files} lost or changed")
    print(f"runs: {states}, {wedged} wedged")
    print(f"tasks: {tasks}, {again} tried again")
    print(f"cohort answers: {len(answers)}, {sum(n != 1 for n in answers)} not once")
    print(f"queries acknowledged: {len(load.queries)}; audit: {count} rows, {len(wrong)} problems {wrong}")
    bad = lost_points or lost_files or wedged or any(n != 1 for n in answers) or wrong
    raise SystemExit("NOT WHOLE" if bad else 0)


if __name__ == "__main__":
    main()

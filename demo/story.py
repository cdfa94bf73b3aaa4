"""The researcher's and the hospitals' steps, through the public API and the trust's own command line."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from demo.client import HubClient
from demo.process import DemoError, wait_until
from demo.stack import Stack

TERMINAL = {"succeeded", "failed", "stopped"}


def projects(me: HubClient) -> list[dict[str, Any]]:
    """Those that `me` sees."""
    found = me.get("projects")
    return found["items"] if isinstance(found, dict) else found


def approved_project(
    stack: Stack, me: HubClient, name: str, sql: str, trusts: list[str], kind: str = "imaging"
) -> dict[str, Any]:
    """Create a project, ask its cohort, stage it, and let each trust's staff approve it at the trust."""
    project = me.post("projects", {"name": name, "purpose": "A demonstration on synthetic data.", "kind": kind})
    query = me.post(f"projects/{project['id']}/cohort-queries", {"sql": sql, "trusts": trusts})
    query = wait_for_answers(stack, me, query["id"])
    me.post(f"projects/{project['id']}/stage", {"trusts": trusts})
    for trust in trusts:
        approve(stack, trust, project["id"])
    project = wait_until("Approval reaching the hub", lambda: _decided(me, project["id"], trusts), 60, stack.processes)
    return {**project, "query": query}


def wait_for_answers(stack: Stack, me: HubClient, query_id: str) -> dict[str, Any]:
    def answered() -> dict[str, Any] | None:
        query = me.get(f"cohort-queries/{query_id}")
        states = {a["state"] for a in query["answers"]}
        return query if not states & {"queued", "running"} else None

    return wait_until("The cohort query", answered, 60, stack.processes)


def approve(stack: Stack, trust: str, project_id: str) -> None:
    """The review reaches the trust a moment after staging; then its staff say yes there."""
    staff = stack.trusts[trust]

    def approved() -> bool:
        try:
            staff.cli("approve", project_id)
        except DemoError as error:
            if "project_unknown" in str(error):
                return False
            raise
        return True

    wait_until(f"The review request reaching {trust}", approved, 60, stack.processes, every=0.3)


def _decided(me: HubClient, project_id: str, trusts: list[str]) -> dict[str, Any] | None:
    project = me.get(f"projects/{project_id}")
    decisions = {t["trust"]: t["decision"] for t in project["trusts"]}
    return project if all(decisions.get(t) == "APPROVED" for t in trusts) else None


def wait_for_imaging(stack: Stack, me: HubClient, project_id: str, seen: Callable[[list], None]) -> dict[str, Any]:
    def final() -> dict[str, Any] | None:
        project = me.get(f"projects/{project_id}")
        ledgers = [(t["trust"], t["imaging"]) for t in project["trusts"] if t["decision"] == "APPROVED"]
        seen(ledgers)
        return project if all(ledger and ledger["final"] for _, ledger in ledgers) else None

    return wait_until("Preparing the images", final, 300, stack.processes, every=0.5)


def model_with_app(me: HubClient, project_id: str, name: str, app: Path) -> dict[str, Any]:
    model = me.post(f"projects/{project_id}/models", {"name": name, "description": f"The app in {app.name}/."})
    for path, content in app_files(app).items():
        me.put_file(model["id"], path, content)
    check = me.get(f"models/{model['id']}/check")
    if not check["ok"]:
        raise DemoError("The app has errors:\n" + json.dumps(check["findings"], indent=1))
    return model


def app_files(app: Path) -> dict[str, bytes]:
    """What a researcher drags into the page: the Flower project, without tests and caches."""
    kept = {}
    for path in sorted(app.rglob("*")):
        relative = path.relative_to(app)
        hidden = any(p.startswith((".", "__pycache__")) for p in relative.parts)
        wanted = path.suffix in {".py", ".toml", ".md"} and relative.parts[0] not in {"tests", "data"}
        if path.is_file() and wanted and not hidden:
            kept[relative.as_posix()] = path.read_bytes()
    return kept


def follow(stack: Stack, me: HubClient, run_id: str, timeout: float = 600) -> Iterator[dict[str, Any]]:
    """The run as the page would see it, again and again, until it has ended."""
    deadline = time.monotonic() + timeout
    while True:
        run = me.get(f"runs/{run_id}")
        yield run
        if run["state"] in TERMINAL:
            return
        for process in stack.processes:
            process.check()
        if time.monotonic() > deadline:
            raise DemoError(f"Run {run_id} did not end within {timeout:.0f} s (state {run['state']}).")
        time.sleep(0.3)


def finish(stack: Stack, me: HubClient, run_id: str, timeout: float = 600) -> dict[str, Any]:
    *_, last = follow(stack, me, run_id, timeout)
    return last

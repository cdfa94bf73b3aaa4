"""A cohort query from the researcher's request to the last trust's answer, and how soon a trust picks a task up."""

import os
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path
from uuid import uuid4

from demo.client import HubClient
from demo.stack import Stack

from flip_contracts.messages import EnrolRequest
from flip_contracts.wire import PROTOCOL_VERSION
from flip_trust.hub_client import HubClient as TrustSide
from flip_trust.keys import TrustKey
from flip_trust.settings import NodeSettings
from flip_trust.version import AGENT_VERSION

OPEN = {"queued", "running"}


class Hospitals(Stack):
    """Every trust has the same mart; no SuperLink, since nothing trains."""

    def __init__(self, root: Path, mart: Path, trusts: int):
        budget = {"FLIP_TRUST_PROJECT_QUERIES_PER_DAY": "100000", "FLIP_TRUST_USER_QUERIES_PER_DAY": "100000"}
        os.environ.update(budget)
        super().__init__(root, trust_names=tuple(f"trust-{n}" for n in range(trusts)))
        for name in self.trust_names:
            data = root / name / "data"
            (data / "dicom").mkdir(parents=True)
            os.link(mart, data / "omop.duckdb")
            (data / ".complete").touch()

    def _start_fl(self) -> None:
        pass

    def _net_is_online(self) -> bool:
        return True


def run(mart: Path, trusts: int, queries: int) -> None:
    root = Path(tempfile.mkdtemp(prefix="flip-omop-", dir=mart.parent))  # the same disk: the mart is linked, not copied
    stack = Hospitals(root, mart, trusts)
    try:
        stack.start()
        _counts(stack.as_researcher(), trusts, queries)
        _pick_up(stack, queries)
    finally:
        stack.stop()
        shutil.rmtree(root)


def _counts(me: HubClient, trusts: int, queries: int) -> None:
    took: list[float] = []
    for number in range(queries + 1):
        project = me.post("projects", {"name": f"p{number}", "purpose": "A benchmark.", "kind": "tabular"})["id"]
        sql = (
            "SELECT p.person_id, p.year_of_birth, p.gender_concept_id FROM omop.person AS p "
            "JOIN omop.condition_occurrence AS c ON c.person_id = p.person_id "
            f"WHERE c.condition_concept_id = 201826 AND p.year_of_birth < {1960 + number}"
        )
        events = me.events(f"project:{project}")
        next(events)
        start = time.perf_counter()
        query = me.post(f"projects/{project}/cohort-queries", {"sql": sql})
        while {a["state"] for a in query["answers"]} & OPEN:
            next(events)  # as the page does: it looks when something has happened
            query = me.get(f"cohort-queries/{query['id']}")
        took.append(time.perf_counter() - start)
        events.close()
        assert {a["state"] for a in query["answers"]} == {"answered"}, query["states"]
    first, *rest = took
    p95 = sorted(rest)[max(0, round(0.95 * len(rest)) - 1)]
    print(
        f"cohort count at {trusts} trusts, {len(rest)} different cohorts: median {statistics.median(rest):.2f} s, "
        f"p95 {p95:.2f} s, most {max(rest):.2f} s; the first, with cold processes, {first:.2f} s"
    )


def _pick_up(stack: Stack, tasks: int) -> None:
    """A trust of our own that only claims: from the researcher's request to the task in the trust's hands."""
    admin, me = stack.as_admin(), stack.as_researcher()
    code = admin.post("trusts", {"name": "trust-claims"})["enrolment_code"]
    key = TrustKey(stack.root / "claims.pem")
    request = EnrolRequest(
        code=code, public_key=key.public, agent_version=AGENT_VERSION, protocol_version=PROTOCOL_VERSION
    )
    node = NodeSettings(data_dir=stack.root, hub_url=stack.hub_url)
    token = TrustSide(node).enrol(request).token
    side = TrustSide(node, lambda: token)
    claimed: list[float] = []
    heard = threading.Semaphore(0)

    def claim() -> None:
        while len(claimed) < tasks:
            if side.claim(1, 20):
                claimed.append(time.perf_counter())
                heard.release()

    threading.Thread(target=claim, daemon=True).start()
    project = me.post("projects", {"name": f"p{uuid4()}", "purpose": "A benchmark.", "kind": "tabular"})["id"]
    took: list[float] = []
    for _ in range(tasks):
        time.sleep(0.3)  # it waits in its long poll again
        start = time.perf_counter()
        body = {"sql": "SELECT person_id FROM omop.person", "trusts": ["trust-claims"]}
        me.post(f"projects/{project}/cohort-queries", body)
        heard.acquire(timeout=30)
        took.append((claimed[-1] - start) * 1e3)
    p95 = sorted(took)[max(0, round(0.95 * len(took)) - 1)]
    print(
        f"task pick-up, {tasks} tasks: median {statistics.median(took):.0f} ms, p95 {p95:.0f} ms, "
        f"most {max(took):.0f} ms"
    )

"""An approved project with a cohort of one's choice, and a run of it that is going on: what the data API serves."""

import datetime as dt
import hashlib
from typing import Any
from uuid import UUID, uuid4

from flip_contracts.manifest import Net, RunManifest
from flip_contracts.tasks import ReviewProject
from flip_trust.agent import Agent


def run_of_cohort(
    agent: Agent, project_id: UUID, columns: list[tuple[str, str]], rows: list[list[Any]], token: str
) -> None:
    """Approved on the database as it is, then frozen again with these rows and signed anew. `token` is the run's."""
    agent.store.set_identity(name="trust-alpha", trust_id=str(uuid4()), token="t", hub_public_key="")
    review = ReviewProject(
        project_id=project_id, project_name="p", purpose="x", owner="o", imaging=False, query_id=uuid4(),
        sql="SELECT person_id FROM omop.person",
    )  # fmt: skip
    agent.store.put_review(review)
    agent.approvals.approve(project_id)
    sha256 = agent.approvals.frozen.freeze(project_id, columns, rows, {})
    project = agent.store.project(project_id)
    assert project is not None
    assert project.signed is not None
    made = project.signed.model_copy(update={"cohort_sha256": sha256})
    agent.store.put_decision(made, agent.key.sign(made))
    manifest = RunManifest(
        run_id=uuid4(), project_id=project_id, model_id=uuid4(), model_name="m", query_id=review.query_id,
        fab_sha256="0" * 64, trusts=["trust-alpha"], net=Net(superlink="127.0.0.1:1", ca_pem="x"),
        issued_at=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    agent.store.put_run(manifest, "key")
    agent.store.update_run(manifest.run_id, token_sha256=hashlib.sha256(token.encode()).hexdigest())

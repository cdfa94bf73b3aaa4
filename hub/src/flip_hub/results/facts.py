"""What is known of how a run's results came to be, read in one go."""

from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_hub.cohorts.tables import CohortQuery
from flip_hub.files.service import list_files
from flip_hub.metrics.reading import SERVER_APP, series_of
from flip_hub.models.tables import Model
from flip_hub.projects.service import decisions
from flip_hub.projects.tables import Project
from flip_hub.runs.service import parts
from flip_hub.runs.tables import Run, RunRound
from flip_hub.users.tables import User


@dataclass(frozen=True)
class Approval:
    """`signed` is the trust's own signed decision, whole: it can be checked without the hub."""

    trust: str
    decision: str
    decided_at: datetime | None
    expires_at: datetime | None
    conditions: str
    signed: dict[str, Any] | None


@dataclass(frozen=True)
class Facts:
    run_id: UUID
    model: str
    description: str
    project_id: UUID
    project: str
    purpose: str
    owner: str
    requested_by: str
    state: str
    reason: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    code_sha256: str | None
    files: list[tuple[str, str, int]]  # path, sha256, bytes
    run_config: dict[str, Any]
    options: dict[str, Any]
    query_id: UUID | None
    sql: str
    approvals: list[Approval]
    trusts: list[tuple[str, str, str]]  # name, how its part ended, why
    rounds: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    versions: dict[str, str] = field(default_factory=dict)


def facts_of(session: Session, run: Run, versions: dict[str, str] | None = None) -> Facts:
    model, project = session.get_one(Model, run.model_id), session.get_one(Project, run.project_id)
    query = session.get(CohortQuery, project.query_id) if project.query_id else None
    rounds = session.scalars(select(RunRound).where(RunRound.run_id == run.id).order_by(RunRound.round, RunRound.phase))
    return Facts(
        run_id=run.id,
        model=model.name,
        description=model.description,
        project_id=project.id,
        project=project.name,
        purpose=project.purpose,
        owner=session.get_one(User, project.owner_id).name,
        requested_by=session.get_one(User, run.created_by).name,
        state=run.state,
        reason=run.reason_text or run.reason_code,
        created_at=run.created_at,
        started_at=run.running_at,
        finished_at=run.finished_at,
        code_sha256=run.fab_sha256,
        files=[(f.path, f.sha256, f.size_bytes) for f in list_files(session, model.id)],
        run_config=run.run_config,
        options=run.options,
        query_id=query.id if query else None,
        sql=query.sql if query else "",
        approvals=[
            Approval(trust.name, a.decision, a.decided_at, a.expires_at, a.conditions, a.signed)
            for trust, a in decisions(session, project)
        ],
        trusts=[(trust.name, part.state, part.reason) for trust, part in parts(session, run.id)],
        rounds=[
            {"round": r.round, "phase": r.phase, "results": r.results, "failures": r.failures, "at": r.at.isoformat()}
            for r in rounds
        ],
        metrics=[
            {
                "trust": trust or SERVER_APP,
                "label": s.label,
                "x_label": s.x_label,
                "points": s.points,
                "last": s.last_value,
                "lowest": s.lowest,
                "highest": s.highest,
            }
            for trust, s in series_of(session, [run.id])
        ],
        versions={"flip-hub": version("flip-hub"), **(versions or {})},
    )

"""What this hub has received from one trust, by kind: counts of what is in the database anyway, and no content.

The trust keeps the whole list of what it sent, with hashes; this is the other end of it, for its admins to compare.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Row, Select, column, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from flip_hub.cohorts.tables import CohortAnswer, CohortQuery
from flip_hub.live.tables import Event
from flip_hub.metrics.tables import MetricSeries
from flip_hub.models.tables import Model
from flip_hub.projects.tables import Project, ProjectTrust
from flip_hub.runs.tables import Run
from flip_hub.trusts.tables import Trust

Kind = Literal["cohort_answer", "decision", "imaging", "metrics", "updates"]


@dataclass(frozen=True)
class Received:
    """`pieces`: answers, points or messages, by kind. `size_bytes`: of messages of a run; unknown of the others."""

    kind: Kind
    at: datetime
    text: str
    pieces: int
    size_bytes: int | None
    project_id: UUID
    project: str
    model_id: UUID | None
    model: str | None
    run_id: UUID | None


def received(session: Session, trust: Trust, limit: int) -> list[Received]:
    """Newest first, at most `limit` of each kind before they are put together."""
    found = [
        *_answers(session, trust, limit),
        *_decisions(session, trust, limit),
        *_metrics(session, trust, limit),
        *_updates(session, trust, limit),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def _answers(session: Session, trust: Trust, limit: int) -> list[Received]:
    query = (
        select(CohortAnswer, Project.id, Project.name)
        .join(CohortQuery, CohortQuery.id == CohortAnswer.query_id)
        .join(Project, Project.id == CohortQuery.project_id)
        .where(CohortAnswer.trust_id == trust.id, CohortAnswer.answered_at.is_not(None))
        .order_by(CohortAnswer.answered_at.desc())
        .limit(limit)
    )
    return [
        _of_project("cohort_answer", answer.answered_at, _words(answer), project_id, name)
        for answer, project_id, name in session.execute(query)
        if answer.answered_at is not None
    ]


def _words(answer: CohortAnswer) -> str:
    result = answer.result or {}
    if answer.state == "suppressed":
        return f"That fewer than {result.get('threshold', 'its threshold of')} persons are meant, and no count."
    if answer.state != "answered":
        return "That it did not answer, and why."
    columns = len(result.get("columns", []))
    return f"Counts rounded to {result.get('rounded_to')}: persons" + (f", and {columns} columns." if columns else ".")


def _decisions(session: Session, trust: Trust, limit: int) -> list[Received]:
    query = (
        select(ProjectTrust, Project.id, Project.name)
        .join(Project, Project.id == ProjectTrust.project_id)
        .where(ProjectTrust.trust_id == trust.id)
        .order_by(func.coalesce(ProjectTrust.decided_at, ProjectTrust.imaging_ready_at).desc().nulls_last())
        .limit(limit)
    )
    found = []
    for asked, project_id, name in session.execute(query):
        if asked.decided_at:
            text = f"A signed decision: {asked.decision.lower()}."
            found.append(_of_project("decision", asked.decided_at, text, project_id, name))
        if asked.imaging and asked.imaging_ready_at:
            text = "How many studies reached each stage, and why others did not."
            found.append(_of_project("imaging", asked.imaging_ready_at, text, project_id, name))
    return found


def _of_project(kind: Kind, at: datetime, text: str, project_id: UUID, name: str) -> Received:
    return Received(kind, at, text, 1, None, project_id, name, None, None, None)


def _metrics(session: Session, trust: Trust, limit: int) -> list[Received]:
    at = func.max(MetricSeries.last_at).label("at")
    query = (
        _by_run(at, func.sum(MetricSeries.points), func.count(func.distinct(MetricSeries.label)))
        .join(MetricSeries, MetricSeries.run_id == Run.id)
        .where(MetricSeries.trust_id == trust.id)
        .order_by(at.desc())
        .limit(limit)
    )
    return [
        _of_run("metrics", row, f"Values that the app sent, of {row[2]} metrics.", int(row[1]), None)
        for row in session.execute(query)
    ]


def _updates(session: Session, trust: Trust, limit: int) -> list[Received]:
    """Replies of this trust's ClientApp, as the ServerApp's side counted them."""
    told = func.jsonb_array_elements(Event.payload["trusts"]).table_valued(column("value", JSONB), name="told")
    reply = told.c.value
    at = func.max(Event.at).label("at")
    size = func.sum(reply["reply_bytes"].astext.cast(Float))
    query = (
        _by_run(at, func.count(), size)
        .join(Event, Event.run_id == Run.id)
        .join(told, literal(True))
        .where(
            Event.kind == "exchanges",
            reply["trust"].astext == trust.name,
            reply["reply_bytes"].astext.cast(Float) > 0,
        )
        .order_by(at.desc())
        .limit(limit)
    )
    text = "Replies of its ClientApp: model updates and what they report."
    return [_of_run("updates", row, text, int(row[1]), int(row[2])) for row in session.execute(query)]


def _by_run(*facts: ColumnElement[Any]) -> Select:
    """`facts` first, then what names the run."""
    named = (Project.id, Project.name, Model.id, Model.name, Run.id)
    return (
        select(*facts, *named)
        .select_from(Run)
        .join(Model, Model.id == Run.model_id)
        .join(Project, Project.id == Run.project_id)
        .group_by(*named)
    )


def _of_run(kind: Kind, row: Row, text: str, pieces: int, size_bytes: int | None) -> Received:
    at, project_id, project, model_id, model, run_id = row[0], *row[3:]
    return Received(kind, at, text, pieces, size_bytes, project_id, project, model_id, model, run_id)

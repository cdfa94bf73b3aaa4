"""Cohort queries and their aggregates."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from flip_contracts.messages import TaskError
from flip_contracts.tasks import CohortCountResult
from flip_hub.auth import CurrentUser, visible_project
from flip_hub.cohorts import service
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import NotFound

router = APIRouter(tags=["cohorts"])


class CohortQueryCreate(BaseModel):
    """`trusts`: names, or null for every enrolled trust."""

    model_config = ConfigDict(extra="forbid")
    sql: Annotated[str, Field(min_length=1, max_length=20_000)]
    trusts: list[str] | None = None


class CohortAnswerRead(BaseModel):
    trust: str
    state: str
    result: CohortCountResult | None
    error: TaskError | None
    answered_at: datetime | None


class CohortQueryRead(BaseModel):
    """Totals add up what was answered; a suppressed answer adds nothing and is unknown, not zero."""

    id: UUID
    project_id: UUID
    sql: str
    created_at: datetime
    answers: list[CohortAnswerRead]
    total_persons: int
    total_accessions: int
    suppressed_trusts: int


def _read(session: Session, query: CohortQuery) -> CohortQueryRead:
    found = [
        CohortAnswerRead(
            trust=trust.name,
            state=answer.state,
            result=CohortCountResult.model_validate(answer.result) if answer.result else None,
            error=TaskError.model_validate(answer.error) if answer.error else None,
            answered_at=answer.answered_at,
        )
        for trust, answer in service.answers(session, query.id)
    ]
    results: list[Any] = [a.result for a in found if a.result and not a.result.suppressed]
    return CohortQueryRead(
        id=query.id,
        project_id=query.project_id,
        sql=query.sql,
        created_at=query.created_at,
        answers=found,
        total_persons=sum(r.persons or 0 for r in results),
        total_accessions=sum(r.accessions or 0 for r in results),
        suppressed_trusts=sum(a.state == "suppressed" for a in found),
    )


@router.post("/projects/{project_id}/cohort-queries", status_code=201)
def create_cohort_query(
    project_id: UUID, body: CohortQueryCreate, user: CurrentUser, session: WriteSession
) -> CohortQueryRead:
    project = visible_project(session, user, project_id, change=True)
    return _read(session, service.create_query(session, user, project, body.sql, body.trusts))


@router.get("/cohort-queries/{query_id}")
def get_cohort_query(query_id: UUID, user: CurrentUser, session: ReadSession) -> CohortQueryRead:
    query = session.get(CohortQuery, query_id)
    if query is None:
        raise NotFound
    visible_project(session, user, query.project_id)
    return _read(session, query)

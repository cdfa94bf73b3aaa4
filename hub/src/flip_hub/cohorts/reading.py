"""What the cohort endpoints answer."""

import difflib
from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.messages import TaskError
from flip_contracts.sql_guard.words import describe
from flip_contracts.tasks import CohortCountResult
from flip_hub.cohorts.charts import merged_charts
from flip_hub.cohorts.schemas import (
    CohortAnswerRead,
    CohortCheckRead,
    CohortQueryRead,
    CohortQuerySummary,
    ComparisonRead,
    DifferenceRead,
    SqlProblemRead,
)
from flip_hub.cohorts.service import QueryRefused, answers_with_tasks, checked, state_now, total_of
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.paging import Page, PageRequest, paged
from flip_hub.projects.tables import Project
from flip_hub.users.tables import User

OPEN = ("queued", "running", "offline")


def check_read(sql: str, kind: str | None) -> CohortCheckRead:
    """`kind` of the project that it is for, where that is known."""
    try:
        found = checked(sql)
    except QueryRefused as refusal:
        line, column = refusal.details.get("line"), refusal.details.get("column")
        problem = SqlProblemRead(code=refusal.code, message=refusal.message, line=line, column=column)
        return CohortCheckRead(ok=False, problem=problem, columns=[], warnings=[], words=[])
    warnings = []
    if not found.has_accession_id and kind != "tabular":
        unless = " A tabular project does not." if kind is None else " Without it no image is prepared."
        warnings.append(f"It selects no accession_id, which an imaging project needs.{unless}")
    return CohortCheckRead(ok=True, problem=None, columns=list(found.columns), warnings=warnings, words=describe(sql))


def query_read(session: Session, query: CohortQuery, offline_after: timedelta) -> CohortQueryRead:
    summary, found = _summary(session, query, offline_after)
    results = {answer.trust: raw for answer, raw in found if raw and not raw["suppressed"]}
    return CohortQueryRead(
        **summary.model_dump(),
        project_id=query.project_id,
        answers=[answer for answer, _ in found],
        done=not any(answer.state in OPEN for answer, _ in found),
        suppressed_trusts=summary.states.get("suppressed", 0),
        charts=merged_charts(results),
    )


def _summary(
    session: Session, query: CohortQuery, offline_after: timedelta
) -> tuple[CohortQuerySummary, list[tuple[CohortAnswerRead, dict[str, Any] | None]]]:
    found = [
        (
            CohortAnswerRead(
                trust=trust.name,
                state=state_now(trust, answer, task, offline_after),
                result=CohortCountResult.model_validate(answer.result) if answer.result else None,
                error=TaskError.model_validate(answer.error) if answer.error else None,
                answered_at=answer.answered_at,
            ),
            answer.result,
        )
        for trust, answer, task in answers_with_tasks(session, query.id)
    ]
    raw = [result for _, result in found]
    summary = CohortQuerySummary(
        id=query.id,
        sql=query.sql,
        saved=session.get_one(Project, query.project_id).query_id == query.id,
        created_at=query.created_at,
        created_by=session.get_one(User, query.created_by).name,
        cancelled_at=query.cancelled_at,
        states=dict(Counter(answer.state for answer, _ in found)),
        total_persons=total_of("persons", raw),
        total_accessions=total_of("accessions", raw),
    )
    return summary, found


def history(
    session: Session, project: Project, asked: PageRequest, offline_after: timedelta
) -> Page[CohortQuerySummary]:
    query = select(CohortQuery).where(CohortQuery.project_id == project.id)
    keys = (CohortQuery.created_at, CohortQuery.id)
    return paged(session, query, keys, asked, lambda row: _summary(session, row, offline_after)[0])


def comparison(session: Session, before: CohortQuery, after: CohortQuery, offline_after: timedelta) -> ComparisonRead:
    one, first = _summary(session, before, offline_after)
    other, second = _summary(session, after, offline_after)
    left = {answer.trust: answer for answer, _ in first}
    right = {answer.trust: answer for answer, _ in second}
    return ComparisonRead(
        before=one,
        after=other,
        sql_diff=list(difflib.unified_diff(before.sql.splitlines(), after.sql.splitlines(), lineterm="", n=2))[2:],
        persons=[_difference(name, left.get(name), right.get(name)) for name in sorted({*left, *right})],
    )


def _difference(trust: str, before: CohortAnswerRead | None, after: CohortAnswerRead | None) -> DifferenceRead:
    one = before.result.persons if before and before.result else None
    other = after.result.persons if after and after.result else None
    return DifferenceRead(
        trust=trust,
        before=one,
        after=other,
        before_state=before.state if before else None,
        after_state=after.state if after else None,
        difference=other - one if one is not None and other is not None else None,
    )

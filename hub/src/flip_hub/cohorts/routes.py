"""Cohort queries and their aggregates."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from flip_hub.auth import CurrentUser, visible_project
from flip_hub.cohorts import reading, service
from flip_hub.cohorts.schemas import (
    CohortCheckRead,
    CohortQueryCheck,
    CohortQueryCreate,
    CohortQueryRead,
    CohortQuerySummary,
    ComparisonRead,
    SavedQuery,
)
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import NotFound, TrustUnknown, errors
from flip_hub.paging import AskedPage, CursorInvalid, Page
from flip_hub.routing import Router
from flip_hub.trusts.service import TrustRevoked
from flip_hub.users.tables import User

router = Router(tags=["cohorts"])


async def _offline_after(request: Request) -> timedelta:
    return timedelta(seconds=request.app.state.settings.trust_offline_seconds)


OfflineAfter = Annotated[timedelta, Depends(_offline_after)]


def _visible_query(session: Session, user: User, query_id: UUID, change: bool = False) -> CohortQuery:
    query = session.get(CohortQuery, query_id)
    if query is None:
        raise NotFound
    visible_project(session, user, query.project_id, change)
    return query


@router.post("/cohort-queries/check")
def check_cohort_query(body: CohortQueryCheck, user: CurrentUser) -> CohortCheckRead:
    """What trusts would say of this SQL, with the place. Nothing is sent; their own check is the one that counts."""
    return reading.check_read(body.sql, body.kind)


@router.post(
    "/projects/{project_id}/cohort-queries",
    status_code=201,
    responses=errors(service.QueryRefused, service.ProjectFrozen, service.NoTrustAsked, TrustUnknown, TrustRevoked),
)
def create_cohort_query(
    project_id: UUID, body: CohortQueryCreate, user: CurrentUser, session: WriteSession, offline: OfflineAfter
) -> CohortQueryRead:
    """Send it to trusts. Answers come in one by one."""
    project = visible_project(session, user, project_id, change=True)
    query = service.create_query(session, user, project, body.sql, body.trusts, body.save)
    return reading.query_read(session, query, offline)


@router.get("/projects/{project_id}/cohort-queries", responses=errors(CursorInvalid))
def list_cohort_queries(
    project_id: UUID, user: CurrentUser, session: ReadSession, page: AskedPage, offline: OfflineAfter
) -> Page[CohortQuerySummary]:
    """The project's history, newest first."""
    return reading.history(session, visible_project(session, user, project_id), page, offline)


@router.put(
    "/projects/{project_id}/saved-cohort-query", responses=errors(service.ProjectFrozen, service.QueryOfAnotherProject)
)
def save_cohort_query(
    project_id: UUID, body: SavedQuery, user: CurrentUser, session: WriteSession, offline: OfflineAfter
) -> CohortQueryRead:
    """Make a query of the history the project's: what trusts will be asked to approve."""
    project = visible_project(session, user, project_id, change=True)
    query = _visible_query(session, user, body.query_id)
    service.save_query(session, project, query)
    return reading.query_read(session, query, offline)


@router.get("/cohort-queries/{query_id}")
def get_cohort_query(query_id: UUID, user: CurrentUser, session: ReadSession, offline: OfflineAfter) -> CohortQueryRead:
    return reading.query_read(session, _visible_query(session, user, query_id), offline)


@router.post("/cohort-queries/{query_id}/cancel", responses=errors(service.QueryEnded))
def cancel_cohort_query(
    query_id: UUID, user: CurrentUser, session: WriteSession, offline: OfflineAfter
) -> CohortQueryRead:
    """Trusts that have not answered yet are not asked any more."""
    query = _visible_query(session, user, query_id, change=True)
    service.cancel(session, user, query)
    return reading.query_read(session, query, offline)


@router.get("/cohort-queries/{query_id}/compare/{other_id}")
def compare_cohort_queries(
    query_id: UUID, other_id: UUID, user: CurrentUser, session: ReadSession, offline: OfflineAfter
) -> ComparisonRead:
    """What changed from `query_id` to `other_id`: the text, and each trust's count of persons."""
    before, after = (_visible_query(session, user, each) for each in (query_id, other_id))
    return reading.comparison(session, before, after, offline)

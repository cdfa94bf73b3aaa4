"""What the project endpoints answer: one project whole, or a page of them in short."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from flip_contracts.imaging import SeriesRule
from flip_contracts.statuses import TERMINAL_RUN_STATES, Decision
from flip_hub.auth import may, staged_at_own_trusts
from flip_hub.cohorts.service import answer_totals, total_of
from flip_hub.cohorts.tables import CohortAnswer, CohortQuery
from flip_hub.models.tables import Model
from flip_hub.paging import Page, PageRequest, paged
from flip_hub.projects.deciding import decides_here
from flip_hub.projects.members import members
from flip_hub.projects.schemas import (
    HubRequestRead,
    ImagingRead,
    MomentRead,
    PersonRead,
    ProjectRead,
    ProjectSummary,
    ProjectTrustRead,
    SavedCohortRead,
    TrustDecisionRead,
)
from flip_hub.projects.service import approving_trusts, decisions
from flip_hub.projects.tables import Project, ProjectMember, ProjectTrust
from flip_hub.runs.tables import Run
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User

Sort = Literal["newest", "oldest", "name", "-name"]
RUN_WORDS = {"succeeded": "Training succeeded", "failed": "Training failed", "stopped": "Training was stopped"}


def person_read(user: User) -> PersonRead:
    return PersonRead(id=user.id, name=user.name, email=user.email)


def project_read(session: Session, project: Project) -> ProjectRead:
    asked = decisions(session, project)
    valid = {trust.id for trust in approving_trusts(session, project)}
    models = list(session.scalars(select(Model).where(Model.project_id == project.id, Model.deleted_at.is_(None))))
    runs = list(session.scalars(select(Run).where(Run.project_id == project.id)))
    queries = select(func.count()).select_from(CohortQuery).where(CohortQuery.project_id == project.id)
    return ProjectRead(
        id=project.id,
        name=project.name,
        purpose=project.purpose,
        kind=project.kind,
        dicom_to_nifti=project.dicom_to_nifti,
        series_rule=SeriesRule.model_validate(project.series_rule) if project.series_rule else None,
        status=project.status,
        owner_id=project.owner_id,
        owner=person_read(session.get_one(User, project.owner_id)),
        members=[person_read(user) for user in members(session, project.id)],
        query_id=project.query_id,
        cohort=_saved_cohort(session, project),
        query_count=session.scalar(queries) or 0,
        created_at=project.created_at,
        staged_at=project.staged_at,
        approved_at=project.approved_at,
        trusts=[_trust_read(trust, one, trust.id in valid) for trust, one in asked],
        models=dict(Counter(model.status for model in models)),
        active_runs=sum(run.state not in TERMINAL_RUN_STATES for run in runs),
        timeline=_timeline(project, asked, models, runs),
    )


def _trust_read(trust: Trust, asked: ProjectTrust, valid: bool) -> ProjectTrustRead:
    return ProjectTrustRead(
        trust_id=trust.id,
        trust=trust.name,
        decision=asked.decision,
        decided_at=asked.decided_at,
        decided_by=asked.decided_by,
        expires_at=asked.expires_at,
        conditions=asked.conditions,
        valid=valid,
        decides_here=decides_here(trust),
        hub_request=HubRequestRead.model_validate(asked.hub_request) if asked.hub_request else None,
        imaging=ImagingRead.model_validate(asked.imaging) if asked.imaging else None,
        imaging_ready_at=asked.imaging_ready_at,
    )


def _saved_cohort(session: Session, project: Project) -> SavedCohortRead | None:
    query = session.get(CohortQuery, project.query_id) if project.query_id else None
    if query is None:
        return None
    totals = answer_totals(session, query.id)
    return SavedCohortRead(
        query_id=query.id,
        sql=query.sql,
        saved_at=project.query_saved_at,
        persons=totals.persons,
        accessions=totals.accessions,
        states=totals.states,
    )


def _timeline(
    project: Project, asked: Sequence[tuple[Trust, ProjectTrust]], models: Sequence[Model], runs: Sequence[Run]
) -> list[MomentRead]:
    moments = [MomentRead(at=project.created_at, kind="created", trust=None, model=None, text="Created")]

    def add(at, kind: str, text: str, trust: str | None = None, model: str | None = None) -> None:
        if at is not None:
            moments.append(MomentRead(at=at, kind=kind, trust=trust, model=model, text=text))

    add(project.query_saved_at, "cohort_saved", "Cohort query saved")
    add(project.staged_at, "staged", "Staged")
    for trust, one in asked:
        if one.decision != Decision.PENDING:
            by = f" by {one.decided_by}" if one.decided_by else ""
            kind = one.decision.lower()
            add(one.decided_at, kind, f"{kind.capitalize()}{by}", trust=trust.name)
        add(one.imaging_ready_at, "imaging_ready", "Images ready", trust=trust.name)
    names = {model.id: model.name for model in models}
    for model in models:
        add(model.created_at, "model_created", "Model created", model=model.name)
    for run in runs:
        if run.model_id in names:
            add(run.finished_at, "run_finished", RUN_WORDS.get(run.state, run.state), model=names[run.model_id])
    return sorted(moments, key=lambda moment: moment.at)


def visible_projects(user: User) -> Select[Project]:
    query = select(Project).where(Project.deleted_at.is_(None))
    if not may(user, "see_all_projects"):
        member = select(ProjectMember.project_id).where(ProjectMember.user_id == user.id)
        mine = (Project.owner_id == user.id) | Project.id.in_(member)
        if may(user, "see_staged_projects"):
            mine |= Project.id.in_(staged_at_own_trusts(user))
        query = query.where(mine)
    return query


def list_projects(
    session: Session,
    user: User,
    asked: PageRequest,
    *,
    search: str,
    owner: UUID | None,
    kind: str | None,
    status: str | None,
    sort: Sort,
) -> Page[ProjectSummary]:
    query = visible_projects(user)
    if search:
        query = query.where(Project.name.icontains(search, autoescape=True))
    if owner:
        query = query.where(Project.owner_id == owner)
    if kind:
        query = query.where(Project.kind == kind)
    if status:
        query = query.where(Project.status == status)
    keys = (Project.name, Project.id) if "name" in sort else (Project.created_at, Project.id)
    page = paged(session, query, keys, asked, lambda row: row, newest_first=sort in ("newest", "-name"))
    return Page(items=_summaries(session, page.items), next_cursor=page.next_cursor)


def _summaries(session: Session, projects: Sequence[Project]) -> list[ProjectSummary]:
    """A fixed number of queries, however long the page."""
    ids = [project.id for project in projects]
    owners = dict(session.execute(select(User.id, User.name).where(User.id.in_({p.owner_id for p in projects}))).all())
    trusts: dict[UUID, list[TrustDecisionRead]] = defaultdict(list)
    asked = (
        select(ProjectTrust.project_id, Trust.name, ProjectTrust.decision)
        .join(Trust, Trust.id == ProjectTrust.trust_id)
        .where(ProjectTrust.project_id.in_(ids))
        .order_by(Trust.name)
    )
    for project_id, name, decision in session.execute(asked):
        trusts[project_id].append(TrustDecisionRead(trust=name, decision=decision))
    results: dict[UUID, list[dict[str, Any] | None]] = defaultdict(list)
    answered = select(CohortAnswer.query_id, CohortAnswer.result)
    for query_id, result in session.execute(
        answered.where(CohortAnswer.query_id.in_([p.query_id for p in projects if p.query_id]))
    ):
        results[query_id].append(result)
    alive = select(Model.project_id, func.count()).where(Model.project_id.in_(ids), Model.deleted_at.is_(None))
    models = dict(session.execute(alive.group_by(Model.project_id)).all())
    running = select(Run.project_id, func.count()).where(Run.project_id.in_(ids))
    running = running.where(Run.state.not_in(TERMINAL_RUN_STATES)).group_by(Run.project_id)
    active = dict(session.execute(running).all())
    return [
        ProjectSummary(
            id=project.id,
            name=project.name,
            kind=project.kind,
            status=project.status,
            owner_id=project.owner_id,
            owner=owners[project.owner_id],
            created_at=project.created_at,
            staged_at=project.staged_at,
            approved_at=project.approved_at,
            trusts=trusts[project.id],
            query_id=project.query_id,
            cohort_persons=total_of("persons", results[project.query_id]) if project.query_id else None,
            model_count=models.get(project.id, 0),
            active_runs=active.get(project.id, 0),
        )
        for project in projects
    ]

"""Send a cohort query to trusts; collect what comes back."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from flip_contracts.messages import TaskError
from flip_contracts.sql_guard import CheckedQuery, SqlRefused
from flip_contracts.statuses import ProjectStatus, TaskState
from flip_contracts.tasks import CohortCount, CohortCountResult, TaskPayload, TaskResult, TaskType
from flip_hub.audit.service import record
from flip_hub.cohorts.guard import check
from flip_hub.cohorts.tables import CohortAnswer, CohortQuery
from flip_hub.db import now
from flip_hub.errors import Conflict, HubError
from flip_hub.live.changes import cohort_changed, project_changed
from flip_hub.live.service import emit
from flip_hub.projects.tables import Project
from flip_hub.trusts.handlers import on_claim, on_result
from flip_hub.trusts.service import is_online, queue_task, trusts_by_name
from flip_hub.trusts.tables import TaskRow, Trust
from flip_hub.users.tables import User


class ProjectFrozen(Conflict):
    code = "project_frozen"
    public = "This project is staged or approved, so its cohort query can no longer change. Create a new project."


class NoTrustAsked(HubError):
    code, status = "no_trust_enrolled", 409
    public = "No trust is enrolled yet. Ask an admin to enrol one."


class QueryOfAnotherProject(HubError):
    code, status = "cohort_query_of_another_project", 422
    public = "This query belongs to another project. Choose one of this project's history."


class QueryEnded(Conflict):
    code = "cohort_query_ended"
    public = "Every trust has answered already, or the query was cancelled before."


class QueryRefused(HubError):
    """Carries the guard's own code (`sql_…`), message and position."""

    code, status = "sql_refused", 422
    public = "The query is not one that trusts would answer; the code, the message and the position say why."
    code_pattern = r"^sql_[a-z_]+$"

    def __init__(self, refusal: SqlRefused):
        self.code = refusal.code  # type: ignore[misc]
        super().__init__(refusal.message, line=refusal.line, column=refusal.column)


def checked(sql: str) -> CheckedQuery:
    try:
        return check(sql)
    except SqlRefused as refusal:
        raise QueryRefused(refusal) from None


def create_query(
    session: Session, user: User, project: Project, sql: str, names: list[str] | None, save: bool = True
) -> CohortQuery:
    checked(sql)
    session.refresh(project, with_for_update=True)
    if project.status != ProjectStatus.UNSTAGED:
        raise ProjectFrozen
    if names is None:
        enrolled = select(Trust).where(Trust.enrolled_at.is_not(None), Trust.revoked_at.is_(None))
        trusts = list(session.scalars(enrolled.order_by(Trust.name)))
    else:
        trusts = trusts_by_name(session, names)
    if not trusts:
        raise NoTrustAsked
    query = CohortQuery(project_id=project.id, created_by=user.id, sql=sql)
    session.add(query)
    session.flush()
    for trust in trusts:
        asked = CohortCount(query_id=query.id, project_id=project.id, sql=sql, asked_by=user.id)
        task_id = queue_task(session, trust.id, asked)
        session.add(CohortAnswer(query_id=query.id, trust_id=trust.id, task_id=task_id, state="queued"))
    if save:
        save_query(session, project, query)
    record(session, str(user.id), "cohort.queried", str(query.id), trusts=[t.name for t in trusts])
    cohort_changed(session, query.id, project.id, "", "queued")
    return query


def save_query(session: Session, project: Project, query: CohortQuery) -> None:
    """The saved query is the project's: what trusts are asked to approve."""
    session.refresh(project, with_for_update=True)
    if project.status != ProjectStatus.UNSTAGED:
        raise ProjectFrozen
    if query.project_id != project.id:
        raise QueryOfAnotherProject
    project.query_id, project.query_saved_at = query.id, now()
    project_changed(session, project.id, "cohort_saved")


def cancel(session: Session, user: User, query: CohortQuery) -> None:
    """Trusts that have not answered are not asked any more; an answer that is on its way is not taken."""
    open_tasks = [a.task_id for _, a, _ in _open(session, query.id) if a.task_id]
    mine = TaskRow.id.in_(open_tasks) & TaskRow.state.in_((TaskState.QUEUED, TaskState.LEASED))
    session.execute(select(TaskRow.id).where(mine).order_by(TaskRow.id).with_for_update())
    stopped = session.scalars(
        update(TaskRow).where(mine).values(state=TaskState.CANCELLED, finished_at=now()).returning(TaskRow.id)
    ).all()
    if not stopped:
        raise QueryEnded
    query.cancelled_at = now()
    here = CohortAnswer.task_id.in_(stopped) & (CohortAnswer.query_id == query.id)
    session.execute(update(CohortAnswer).where(here).values(state="cancelled"))
    record(session, str(user.id), "cohort.cancelled", str(query.id))
    cohort_changed(session, query.id, query.project_id, "", "cancelled")


def _open(session: Session, query_id: UUID) -> list[tuple[Trust, CohortAnswer, TaskRow | None]]:
    return [row for row in answers_with_tasks(session, query_id) if row[1].state == "queued"]


@on_claim(TaskType.COHORT_COUNT)
def on_claimed(session: Session, trust: Trust, payload: TaskPayload) -> None:
    assert isinstance(payload, CohortCount)
    cohort_changed(session, payload.query_id, payload.project_id, trust.name, "running")


@on_result(TaskType.COHORT_COUNT)
def on_answer(
    session: Session, trust: Trust, payload: TaskPayload, result: TaskResult | None, error: TaskError | None
) -> None:
    assert isinstance(payload, CohortCount)
    answer = session.get(CohortAnswer, (payload.query_id, trust.id))
    if answer is None:
        return
    answer.answered_at = now()
    if error is not None:
        answer.state = "refused" if error.code.startswith("sql_") else "error"
        answer.error = error.model_dump(mode="json")
    else:
        assert isinstance(result, CohortCountResult)
        answer.state = "suppressed" if result.suppressed else "answered"
        answer.result = result.model_dump(mode="json")
    facts = {"query_id": str(payload.query_id), "trust": trust.name, "state": answer.state}
    emit(session, "cohort_answer", [f"query:{payload.query_id}", f"project:{payload.project_id}"], facts, kept=True)


def answers(session: Session, query_id: UUID) -> list[tuple[Trust, CohortAnswer]]:
    return [(trust, answer) for trust, answer, _ in answers_with_tasks(session, query_id)]


def answers_with_tasks(session: Session, query_id: UUID) -> list[tuple[Trust, CohortAnswer, TaskRow | None]]:
    rows = session.execute(
        select(Trust, CohortAnswer, TaskRow)
        .join(CohortAnswer, CohortAnswer.trust_id == Trust.id)
        .outerjoin(TaskRow, TaskRow.id == CohortAnswer.task_id)
        .where(CohortAnswer.query_id == query_id)
        .order_by(Trust.name)
    )
    return [(trust, answer, task) for trust, answer, task in rows]


def state_now(trust: Trust, answer: CohortAnswer, task: TaskRow | None, offline_after: timedelta) -> str:
    """queued, running, answered, suppressed, refused, error, cancelled, or offline: the task waits for the trust."""
    if answer.state != "queued":
        return answer.state
    if task is not None and task.state == TaskState.CANCELLED:  # its trust was revoked
        return "cancelled"
    if not is_online(trust, offline_after):
        return "offline"
    if task is None or task.state != TaskState.LEASED or task.lease_expires_at is None:
        return "queued"
    return "running" if task.lease_expires_at > now() else "queued"


@dataclass(frozen=True)
class Totals:
    """Sums over the trusts that answered; None where nobody did. A suppressed answer is unknown, not zero."""

    persons: int | None
    accessions: int | None
    states: dict[str, int]


def answer_totals(session: Session, query_id: UUID) -> Totals:
    found = [answer for _, answer in answers(session, query_id)]
    return Totals(
        persons=total_of("persons", [a.result for a in found]),
        accessions=total_of("accessions", [a.result for a in found]),
        states=dict(Counter(a.state for a in found)),
    )


def total_of(key: str, results: list[dict[str, Any] | None]) -> int | None:
    known = [result[key] for result in results if result and not result["suppressed"] and result[key] is not None]
    return sum(known) if known else None

"""Send a cohort query to trusts; collect what comes back."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.messages import TaskError
from flip_contracts.sql_guard import SqlRefused, check
from flip_contracts.statuses import ProjectStatus
from flip_contracts.tasks import CohortCount, CohortCountResult, TaskPayload, TaskResult, TaskType
from flip_hub.audit.service import record
from flip_hub.cohorts.tables import CohortAnswer, CohortQuery
from flip_hub.db import now
from flip_hub.errors import Conflict, HubError
from flip_hub.events import notify
from flip_hub.live.service import emit
from flip_hub.projects.tables import Project
from flip_hub.trusts.handlers import on_result
from flip_hub.trusts.service import queue_task, trusts_by_name
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User

OFFLINE_AFTER = timedelta(seconds=45)


class ProjectFrozen(Conflict):
    code = "project_frozen"
    public = "This project is staged or approved, so its cohort query can no longer change. Create a new project."


class NoTrustAsked(HubError):
    code, status = "no_trust_enrolled", 409
    public = "No trust is enrolled yet. Ask an admin to enrol one."


class QueryRefused(HubError):
    """Carries the guard's own code (`sql_…`), message and position."""

    status = 422

    def __init__(self, refusal: SqlRefused):
        self.code = refusal.code  # type: ignore[misc]
        super().__init__(refusal.message, line=refusal.line, column=refusal.column)


def create_query(session: Session, user: User, project: Project, sql: str, names: list[str] | None) -> CohortQuery:
    if project.status != ProjectStatus.UNSTAGED:
        raise ProjectFrozen
    try:
        check(sql)
    except SqlRefused as refusal:
        raise QueryRefused(refusal) from None
    if names is None:
        trusts = list(session.scalars(select(Trust).where(Trust.enrolled_at.is_not(None)).order_by(Trust.name)))
    else:
        trusts = trusts_by_name(session, names)
    if not trusts:
        raise NoTrustAsked
    query = CohortQuery(project_id=project.id, created_by=user.id, sql=sql)
    session.add(query)
    session.flush()
    project.query_id = query.id
    for trust in trusts:
        online = trust.last_seen_at is not None and trust.last_seen_at > now() - OFFLINE_AFTER
        state = "queued" if online else "offline"  # the task waits for it all the same
        session.add(CohortAnswer(query_id=query.id, trust_id=trust.id, state=state))
        queue_task(session, trust.id, CohortCount(query_id=query.id, project_id=project.id, sql=sql, asked_by=user.id))
    record(session, str(user.id), "cohort.queried", str(query.id), trusts=[t.name for t in trusts])
    return query


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
    notify(session, f"query:{payload.query_id}")


def answers(session: Session, query_id: UUID) -> list[tuple[Trust, CohortAnswer]]:
    rows = session.execute(
        select(Trust, CohortAnswer)
        .join(CohortAnswer, CohortAnswer.trust_id == Trust.id)
        .where(CohortAnswer.query_id == query_id)
        .order_by(Trust.name)
    )
    return [(trust, answer) for trust, answer in rows]

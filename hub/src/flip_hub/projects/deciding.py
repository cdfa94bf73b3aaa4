"""A trust's admin decides in the hub's page. The hub only asks: the trust looks at its policy, decides and signs."""

from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from flip_contracts.messages import TaskError
from flip_contracts.statuses import Decision
from flip_contracts.tasks import DecideProject, TaskPayload, TaskResult, TaskType
from flip_hub.audit.service import record
from flip_hub.auth import require, speaks_for
from flip_hub.db import now
from flip_hub.errors import Conflict, HubError, NotFound
from flip_hub.live.service import emit
from flip_hub.projects.tables import Project, ProjectTrust
from flip_hub.trusts.handlers import on_result
from flip_hub.trusts.service import queue_task
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User

Action = Literal["approve", "decline", "withdraw", "renew"]
POLICY = "hub_decisions"  # the heartbeat's component by which a trust says whether it takes these: allowed, refused
POSSIBLE: dict[Action, tuple[Decision, ...]] = {
    "approve": (Decision.PENDING, Decision.DECLINED, Decision.WITHDRAWN),
    "decline": (Decision.PENDING,),
    "withdraw": (Decision.APPROVED,),
    "renew": (Decision.APPROVED,),
}


class NotYourTrust(HubError):
    code, status = "not_your_trust", 403
    public = "You do not speak for this trust. An admin of the hub changes for which trusts you do."


class DecideAtTheHospital(Conflict):
    code = "decide_at_the_hospital"
    public = (
        "This trust's policy lets nobody decide through the hub. Decide at the hospital, on the trust's own page or "
        "with `flip-trust approve`; or let its policy say `decisions: at_hub: allowed`."
    )


class DecisionImpossible(Conflict):
    code = "decision_impossible"
    public = "The trust's decision stands in a way that this does not change; `details.decision` says how."


def decides_here(trust: Trust) -> bool:
    """Whether the trust has said that its policy lets its admins decide through the hub."""
    return trust.components.get(POLICY) == "allowed"


def ask(
    session: Session,
    user: User,
    project: Project,
    trust_id: UUID,
    action: Action,
    conditions: str,
    expires_days: int | None,
) -> None:
    require(user, "decide_for_trust")
    asked = session.get(ProjectTrust, (project.id, trust_id), with_for_update=True)
    if asked is None or project.query_id is None:
        raise NotFound
    if not speaks_for(session, user, trust_id):
        raise NotYourTrust
    trust = session.get_one(Trust, trust_id)
    if not decides_here(trust):
        raise DecideAtTheHospital(trust=trust.name)
    if asked.decision not in POSSIBLE[action]:
        raise DecisionImpossible(decision=asked.decision)
    queue_task(
        session,
        trust_id,
        DecideProject(
            project_id=project.id,
            query_id=project.query_id,
            action=action,
            conditions=conditions,
            expires_days=expires_days,
            asked_by=user.name[:150],
        ),
    )
    asked.hub_request = {"action": action, "by": user.name, "at": now().isoformat(), "state": "waiting"}
    record(session, str(user.id), "project.decision_asked", str(project.id), trust=trust.name, asked=action)
    _tell(session, trust, asked)


@on_result(TaskType.DECIDE_PROJECT)
def on_decided(
    session: Session, trust: Trust, payload: TaskPayload, result: TaskResult | None, error: TaskError | None
) -> None:
    assert isinstance(payload, DecideProject)
    asked = session.get(ProjectTrust, (payload.project_id, trust.id), with_for_update=True)
    if asked is None or asked.hub_request is None:
        return
    said = {"state": "refused", "code": error.code, "message": error.message} if error else {"state": "done"}
    asked.hub_request = {**asked.hub_request, **said}
    _tell(session, trust, asked)


def _tell(session: Session, trust: Trust, asked: ProjectTrust) -> None:
    facts = {"project_id": str(asked.project_id), "trust": trust.name, "request": asked.hub_request}
    emit(session, "decision_request", [f"project:{asked.project_id}"], facts)

"""A project from its first idea to the trusts' decisions."""

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.messages import DecisionMessage, ImagingMessage, MessageKind
from flip_contracts.statuses import Decision, ProjectStatus
from flip_contracts.tasks import ReviewProject
from flip_hub.audit.service import record
from flip_hub.auth import may
from flip_hub.cohorts.service import answers
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.db import now
from flip_hub.errors import Conflict
from flip_hub.events import notify
from flip_hub.keys import is_signed_by
from flip_hub.live.service import emit
from flip_hub.projects.tables import Project, ProjectMember, ProjectTrust
from flip_hub.trusts.handlers import on_message
from flip_hub.trusts.service import MessageRefused, queue_task, trusts_by_name
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User


class ProjectNameTaken(Conflict):
    code = "project_name_taken"
    public = "You already have a project of this name."


class ProjectNotUnstaged(Conflict):
    code = "project_not_unstaged"
    public = "This project is already staged."


class NoCohortQuery(Conflict):
    code = "project_has_no_cohort_query"
    public = "Run a cohort query first."


class TrustHasNoUsableAnswer(Conflict):
    code = "trust_has_no_usable_answer"
    public = "These trusts have no usable answer to the cohort query (none yet, refused, failed or suppressed)."


def create_project(session: Session, user: User, name: str, purpose: str, kind: str) -> Project:
    if session.scalar(select(Project.id).where(Project.owner_id == user.id, Project.name == name)):
        raise ProjectNameTaken
    project = Project(owner_id=user.id, name=name, purpose=purpose, kind=kind, status=ProjectStatus.UNSTAGED)
    session.add(project)
    session.flush()
    record(session, str(user.id), "project.created", str(project.id))
    return project


def list_projects(session: Session, user: User) -> list[Project]:
    query = select(Project).order_by(Project.created_at.desc())
    if not may(user, "see_all_projects"):
        member = select(ProjectMember.project_id).where(ProjectMember.user_id == user.id)
        query = query.where((Project.owner_id == user.id) | Project.id.in_(member))
    return list(session.scalars(query))


def stage(session: Session, user: User, project: Project, names: list[str]) -> None:
    if project.status != ProjectStatus.UNSTAGED:
        raise ProjectNotUnstaged
    query = session.get(CohortQuery, project.query_id) if project.query_id else None
    if query is None:
        raise NoCohortQuery
    trusts = trusts_by_name(session, names)
    usable = {trust.id for trust, answer in answers(session, query.id) if answer.state == "answered"}
    without = [trust.name for trust in trusts if trust.id not in usable]
    if without:
        raise TrustHasNoUsableAnswer(trusts=without)
    project.status, project.staged_at = ProjectStatus.STAGED, now()
    for trust in trusts:
        session.add(ProjectTrust(project_id=project.id, trust_id=trust.id, decision=Decision.PENDING))
        queue_task(
            session,
            trust.id,
            ReviewProject(
                project_id=project.id,
                project_name=project.name,
                purpose=project.purpose,
                owner=user.name,
                imaging=project.kind == "imaging",
                query_id=query.id,
                sql=query.sql,
            ),
            dedupe_key=f"review:{project.id}:{trust.id}",
        )
    record(session, str(user.id), "project.staged", str(project.id), trusts=names)


def decisions(session: Session, project: Project) -> list[tuple[Trust, ProjectTrust]]:
    rows = session.execute(
        select(Trust, ProjectTrust)
        .join(ProjectTrust, ProjectTrust.trust_id == Trust.id)
        .where(ProjectTrust.project_id == project.id)
        .order_by(Trust.name)
    )
    return [(trust, asked) for trust, asked in rows]


def approving_trusts(session: Session, project: Project) -> list[Trust]:
    return [
        trust
        for trust, asked in decisions(session, project)
        if asked.decision == Decision.APPROVED and (asked.expires_at is None or asked.expires_at > now())
    ]


@on_message(MessageKind.DECISION)
def on_decision(session: Session, trust: Trust, message: DecisionMessage) -> None:
    """The hub cannot make or change a decision: it keeps what the trust signed."""
    made = message.decision
    project = session.get(Project, made.project_id, with_for_update=True)
    asked = session.get(ProjectTrust, (made.project_id, trust.id))
    query = session.get(CohortQuery, made.query_id)
    if project is None or asked is None or query is None or project.query_id != query.id:
        raise MessageRefused("This trust was not asked about this project and query.")
    if made.trust != trust.name or not is_signed_by(trust.public_key or "", made, message.signature):
        raise MessageRefused("The decision is not signed by this trust's key.")
    if made.sql_sha256 != hashlib.sha256(query.sql.encode()).hexdigest():
        raise MessageRefused("The decision is about another query text.")
    if asked.decided_at is not None and made.decided_at <= asked.decided_at:
        raise MessageRefused("A newer decision of this trust is here already.")  # an old yes must not undo a no
    asked.decision, asked.decided_at = made.decision, made.decided_at
    asked.expires_at, asked.conditions = made.expires_at, made.conditions
    asked.signed = message.model_dump(mode="json")
    if made.decision == Decision.APPROVED and project.status == ProjectStatus.STAGED:
        project.status, project.approved_at = ProjectStatus.APPROVED, now()
    record(session, f"trust:{trust.name}", f"project.{made.decision.lower()}", str(project.id))
    facts = {"project_id": str(project.id), "trust": trust.name, "decision": made.decision}
    emit(session, "decision", [f"project:{project.id}"], facts, kept=True)
    notify(session, "runs")  # a withdrawal ends that trust's part in a run at once


@on_message(MessageKind.IMAGING)
def on_imaging(session: Session, trust: Trust, message: ImagingMessage) -> None:
    asked = session.get(ProjectTrust, (message.project_id, trust.id))
    if asked is None:
        raise MessageRefused("This trust was not asked about this project.")
    told = message.model_dump(mode="json", include={"stages", "excluded", "final"})
    asked.imaging = told
    facts = {"project_id": str(message.project_id), "trust": trust.name, **told}
    emit(session, "imaging", [f"project:{message.project_id}"], facts)

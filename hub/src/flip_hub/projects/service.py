"""A project from its first idea to the trusts' decisions."""

import hashlib
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from flip_contracts.imaging import SeriesRule
from flip_contracts.messages import DecisionMessage, ImagingMessage, MessageKind
from flip_contracts.statuses import Decision, ProjectStatus
from flip_contracts.tasks import CloseProject, ReviewProject
from flip_hub.audit.service import record
from flip_hub.cohorts.service import answers
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.db import now
from flip_hub.errors import Conflict
from flip_hub.events import notify
from flip_hub.live.changes import project_changed
from flip_hub.live.service import emit
from flip_hub.projects.tables import Project, ProjectTrust
from flip_hub.trusts.enrolment import is_signed_by_trust
from flip_hub.trusts.handlers import on_message
from flip_hub.trusts.service import MessageRefused, queue_task, trusts_by_name
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User


class ProjectNameTaken(Conflict):
    code = "project_name_taken"
    public = "This owner already has a project of this name. Choose another name."


class ProjectNotUnstaged(Conflict):
    code = "project_not_unstaged"
    public = "This project is staged or approved already. An admin can take a staged one back to draft."


class ProjectNotStaged(Conflict):
    code = "project_not_staged"
    public = "Only a staged project that no trust has approved can go back to draft. Create a new project instead."


class NoCohortQuery(Conflict):
    code = "project_has_no_cohort_query"
    public = "Run a cohort query and save it first."


class TrustHasNoUsableAnswer(Conflict):
    code = "trust_has_no_usable_answer"
    public = (
        "These trusts have no usable answer to the saved cohort query; `reasons` says why for each. "
        "Leave them out, or run a query that they answer."
    )


def create_project(
    session: Session,
    user: User,
    name: str,
    purpose: str,
    kind: str,
    dicom_to_nifti: bool = True,
    series_rule: SeriesRule | None = None,
) -> Project:
    ensure_name_free(session, user.id, name)
    project = Project(
        owner_id=user.id,
        name=name,
        purpose=purpose,
        kind=kind,
        dicom_to_nifti=dicom_to_nifti and kind == "imaging",
        series_rule=_stored(series_rule) if kind == "imaging" else None,
        status=ProjectStatus.UNSTAGED,
    )
    session.add(project)
    session.flush()
    record(session, str(user.id), "project.created", str(project.id))
    return project


def _stored(rule: SeriesRule | None) -> dict[str, Any] | None:
    return rule.model_dump(mode="json", exclude_defaults=True) if rule else None


def ensure_name_free(session: Session, owner_id: Any, name: str, but: Project | None = None) -> None:
    same = select(Project.id).where(Project.owner_id == owner_id, Project.name == name, Project.deleted_at.is_(None))
    if session.scalar(same.where(Project.id != but.id) if but else same):
        raise ProjectNameTaken


def edit_project(session: Session, user: User, project: Project, changes: dict[str, Any]) -> None:
    """What trusts are asked to approve cannot change under them."""
    session.refresh(project, with_for_update=True)
    if project.status != ProjectStatus.UNSTAGED:
        raise ProjectNotUnstaged
    if "name" in changes:
        ensure_name_free(session, project.owner_id, changes["name"], but=project)
    for key, value in changes.items():
        setattr(project, key, value)
    project.dicom_to_nifti = project.dicom_to_nifti and project.kind == "imaging"
    if project.kind != "imaging":
        project.series_rule = None
    record(session, str(user.id), "project.edited", str(project.id), fields=sorted(changes))
    project_changed(session, project.id, "edited")


def stage(session: Session, user: User, project: Project, names: list[str]) -> None:
    session.refresh(project, with_for_update=True)
    if project.status != ProjectStatus.UNSTAGED:
        raise ProjectNotUnstaged
    query = session.get(CohortQuery, project.query_id) if project.query_id else None
    if query is None:
        raise NoCohortQuery
    trusts = trusts_by_name(session, names)
    states = {trust.id: answer.state for trust, answer in answers(session, query.id)}
    reasons = {trust.name: states.get(trust.id, "not asked") for trust in trusts}
    reasons = {name: state for name, state in reasons.items() if state != "answered"}
    if reasons:
        raise TrustHasNoUsableAnswer(trusts=sorted(reasons), reasons=reasons)
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
                owner=session.get_one(User, project.owner_id).name,
                imaging=project.kind == "imaging",
                dicom_to_nifti=project.dicom_to_nifti,
                series_rule=SeriesRule.model_validate(project.series_rule) if project.series_rule else None,
                query_id=query.id,
                sql=query.sql,
            ),
        )
    record(session, str(user.id), "project.staged", str(project.id), trusts=[t.name for t in trusts])
    project_changed(session, project.id, "staged")


def unstage(session: Session, user: User, project: Project) -> None:
    """Back to draft. A decision that is still on its way is refused when it comes: nobody is asked any more."""
    session.refresh(project, with_for_update=True)
    if project.status != ProjectStatus.STAGED:
        raise ProjectNotStaged
    close_at_trusts(session, project)
    session.execute(delete(ProjectTrust).where(ProjectTrust.project_id == project.id))
    project.status, project.staged_at = ProjectStatus.UNSTAGED, None
    record(session, str(user.id), "project.unstaged", str(project.id))
    project_changed(session, project.id, "unstaged")


def close_at_trusts(session: Session, project: Project) -> None:
    for trust, _ in decisions(session, project):
        queue_task(session, trust.id, CloseProject(project_id=project.id))


def decisions(session: Session, project: Project) -> list[tuple[Trust, ProjectTrust]]:
    rows = session.execute(
        select(Trust, ProjectTrust)
        .join(ProjectTrust, ProjectTrust.trust_id == Trust.id)
        .where(ProjectTrust.project_id == project.id)
        .order_by(Trust.name)
    )
    return [(trust, asked) for trust, asked in rows]


def approves() -> ColumnElement[bool]:
    """Of a trust and its row of a project: its yes stands now."""
    lasting = ProjectTrust.expires_at.is_(None) | (ProjectTrust.expires_at > now())
    return (ProjectTrust.decision == Decision.APPROVED) & Trust.revoked_at.is_(None) & lasting


def approving_trusts(session: Session, project: Project) -> list[Trust]:
    if project.deleted_at is not None:
        return []
    of_project = ProjectTrust.project_id == project.id
    found = select(Trust).join(ProjectTrust, ProjectTrust.trust_id == Trust.id).where(of_project, approves())
    return list(session.scalars(found.order_by(Trust.name)))


@on_message(MessageKind.DECISION)
def on_decision(session: Session, trust: Trust, message: DecisionMessage) -> None:
    """The hub cannot make or change a decision: it keeps what the trust signed."""
    made = message.decision
    project = session.get(Project, made.project_id, with_for_update=True)
    asked = session.get(ProjectTrust, (made.project_id, trust.id))
    query = session.get(CohortQuery, made.query_id)
    if project is None or asked is None or query is None or project.query_id != query.id or project.deleted_at:
        raise MessageRefused("This trust is not asked about this project and query.")
    signed = is_signed_by_trust(session, trust, made, message.signature, made.decided_at)
    if made.trust != trust.name or not signed:
        raise MessageRefused("The decision is not signed by this trust's key.")
    if made.sql_sha256 != hashlib.sha256(query.sql.encode()).hexdigest():
        raise MessageRefused("The decision is about another query text.")
    if asked.decided_at is not None and made.decided_at <= asked.decided_at:
        raise MessageRefused("A newer decision of this trust is here already.")  # an old yes must not undo a no
    asked.decision, asked.decided_at, asked.decided_by = made.decision, made.decided_at, made.decided_by
    asked.expires_at, asked.conditions = made.expires_at, made.conditions
    asked.signed = message.model_dump(mode="json")
    if made.decision == Decision.APPROVED and project.status == ProjectStatus.STAGED:
        project.status, project.approved_at = ProjectStatus.APPROVED, now()
    action = f"project.{made.decision.lower()}"
    record(session, f"trust:{trust.name}", action, str(project.id), by=made.decided_by)
    facts = {"project_id": str(project.id), "trust": trust.name, "decision": made.decision}
    emit(session, "decision", [f"project:{project.id}"], facts, kept=True)
    notify(session, "runs")  # a withdrawal ends that trust's part in a run at once


@on_message(MessageKind.IMAGING)
def on_imaging(session: Session, trust: Trust, message: ImagingMessage) -> None:
    asked = session.get(ProjectTrust, (message.project_id, trust.id))
    if asked is None:
        raise MessageRefused("This trust was not asked about this project.")
    told = message.model_dump(mode="json", exclude={"kind", "id", "project_id"})
    asked.imaging = told
    asked.imaging_ready_at = (asked.imaging_ready_at or now()) if message.final else None
    facts = {"project_id": str(message.project_id), "trust": trust.name, **told}
    emit(session, "imaging", [f"project:{message.project_id}"], facts)

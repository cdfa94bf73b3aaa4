"""A trust whose staff look at each app first: it gets the bundle, the run waits, it is asked again after the yes."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.content import sha256_of_all
from flip_contracts.messages import CodeDecisionMessage, MessageKind, TaskError
from flip_contracts.statuses import TERMINAL_RUN_STATES, Decision, RunReason, RunState, RunTrustState
from flip_contracts.tasks import JoinRun, ReviewCode, TaskType
from flip_hub.audit.service import record
from flip_hub.db import now
from flip_hub.errors import HubError
from flip_hub.events import notify
from flip_hub.live.service import emit
from flip_hub.models.tables import Model
from flip_hub.runs.tables import Run, RunTrust
from flip_hub.trusts.enrolment import is_signed_by_trust
from flip_hub.trusts.handlers import on_message
from flip_hub.trusts.service import PAYLOAD, MessageRefused, queue_task
from flip_hub.trusts.tables import TaskRow, Trust

WAITS = "code_not_approved"  # a trust's refusal that its staff may lift


class FabUnknown(HubError):
    code, status = "fab_unknown", 404
    public = "This trust was not asked to review an app of this hash."


def key_of(fab_sha256: str) -> str:
    """Where a bundle lies in the object store."""
    return f"fabs/{fab_sha256}.fab"


def wait_for_review(session: Session, trust: Trust, part: RunTrust, payload: JoinRun, error: TaskError) -> None:
    manifest, run = payload.signed.manifest, session.get_one(Run, part.run_id)
    part.state, part.reason = RunTrustState.CODE_REVIEW, f"code waits for review at {trust.name}"
    if run.state == RunState.STARTING:
        run.reason_code, run.reason_text = RunReason.WAITING_FOR_CODE_REVIEW, part.reason
    queue_task(
        session,
        trust.id,
        ReviewCode(
            project_id=manifest.project_id,
            model_id=manifest.model_id,
            model_name=session.get_one(Model, manifest.model_id).name,
            fab_sha256=manifest.fab_sha256,
            files=manifest.files,
        ),
        dedupe_key=f"review:{trust.id}:{manifest.project_id}:{manifest.fab_sha256}:{sha256_of_all(manifest.files)}",
    )


def ensure_asked(session: Session, trust: Trust, fab_sha256: str) -> None:
    """A trust reads only what it was asked to look at."""
    asked = select(TaskRow.id).where(
        TaskRow.trust_id == trust.id,
        TaskRow.type == TaskType.REVIEW_CODE,
        TaskRow.payload["fab_sha256"].astext == fab_sha256,
    )
    if session.scalar(asked.limit(1)) is None:
        raise FabUnknown


@on_message(MessageKind.CODE_DECISION)
def on_code_decision(session: Session, trust: Trust, message: CodeDecisionMessage) -> None:
    made = message.decision
    signed = is_signed_by_trust(session, trust, made, message.signature, made.decided_at)
    if made.trust != trust.name or not signed:
        raise MessageRefused("The decision is not signed by this trust's key.")
    action = "code.approved" if made.decision == Decision.APPROVED else "code.declined"
    facts = {"by": made.decided_by, "model": str(made.model_id), "files": made.files_sha256}
    record(session, f"trust:{trust.name}", action, made.fab_sha256, **facts)
    waiting = session.execute(
        select(Run, RunTrust)
        .join(RunTrust, RunTrust.run_id == Run.id)
        .where(
            RunTrust.trust_id == trust.id,
            RunTrust.state == RunTrustState.CODE_REVIEW,
            Run.fab_sha256 == made.fab_sha256,
            Run.project_id == made.project_id,
            Run.state.not_in(TERMINAL_RUN_STATES),
        )
        .with_for_update()
    ).all()
    for run, part in waiting:
        asked = _asked_with(session, run.id, trust)
        if asked is None or sha256_of_all(asked.signed.manifest.files) != made.files_sha256:
            continue
        if made.decision == Decision.APPROVED:
            part.state, part.reason = RunTrustState.ASKED, ""
            run.starting_at = now()  # the time of people does not count as that of machines
            queue_task(session, trust.id, asked, dedupe_key=f"join:{run.id}:{trust.id}:{message.id}")
            kind, text = "trust_code_approved", ""
        else:
            part.state, part.reason = RunTrustState.REFUSED, f"{trust.name} has declined the code"
            kind, text = "trust_refused", part.reason
        topics = [f"run:{run.id}", f"model:{run.model_id}", f"project:{run.project_id}"]
        emit(session, kind, topics, {"trust": trust.name, "text": text}, run_id=run.id, kept=True)
        still = session.scalar(
            select(RunTrust.run_id).where(RunTrust.run_id == run.id, RunTrust.state == RunTrustState.CODE_REVIEW)
        )
        if run.reason_code == RunReason.WAITING_FOR_CODE_REVIEW and still is None:
            run.reason_code, run.reason_text = RunReason.WAITING_FOR_TRUSTS, ""
    notify(session, "runs")


def _asked_with(session: Session, run_id: UUID, trust: Trust) -> JoinRun | None:
    """The very manifest that it was asked with before."""
    row = session.scalars(select(TaskRow).where(TaskRow.dedupe_key == f"join:{run_id}:{trust.id}")).one_or_none()
    asked = PAYLOAD.validate_python(row.payload) if row is not None else None
    return asked if isinstance(asked, JoinRun) else None

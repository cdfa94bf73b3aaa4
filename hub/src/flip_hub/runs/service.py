"""*Initiate Training*, stop, and what arrives about a run from trusts and nets."""

import tomllib
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.messages import MessageKind, NodeEvent, NodeEventMessage, TaskError
from flip_contracts.run_config import flatten
from flip_contracts.statuses import TERMINAL_RUN_STATES, RunReason, RunState, RunTrustState
from flip_contracts.tasks import JoinRun, JoinRunResult, StartNode, TaskPayload, TaskResult, TaskType
from flip_hub.audit.service import record
from flip_hub.errors import Conflict, HubError
from flip_hub.events import notify
from flip_hub.files.service import checked_files, ensure_idle, ensure_ready, findings
from flip_hub.live.service import emit
from flip_hub.live.tables import Event
from flip_hub.models.service import initiate as initiate_model
from flip_hub.models.tables import Model
from flip_hub.objects import Objects
from flip_hub.projects.service import approving_trusts
from flip_hub.projects.tables import Project
from flip_hub.runs.code_reviews import WAITS, wait_for_review
from flip_hub.runs.options import MinTrustsTooHigh, RunOptions, check_run_config, with_rounds
from flip_hub.runs.tables import Run, RunTrust
from flip_hub.trusts.handlers import on_message, on_result
from flip_hub.trusts.service import MessageRefused, trusts_by_name
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User

PART_OF_RUN = (RunTrustState.JOINED, RunTrustState.REGISTERED, RunTrustState.ONLINE)


class AppCheckFailed(HubError):
    code, status = "app_check_failed", 422
    public = "The app has errors. `GET /api/v1/models/{id}/check` lists each with its remedy."


class NoTrustApproved(Conflict):
    code = "no_trust_approved"
    public = "No trust's approval of this project is valid now."


class TrustNotApproved(Conflict):
    code = "trust_not_approved"
    public = "These trusts have not approved this project, or their approval has ended."


class RunEnded(Conflict):
    code = "run_ended"
    public = "This run has already ended."


def initiate(
    session: Session,
    objects: Objects,
    user: User,
    model: Model,
    run_config: dict[str, Any],
    names: list[str] | None,
    options: RunOptions,
    rerun_of: UUID | None = None,
) -> Run:
    session.refresh(model, with_for_update=True)  # two clicks make one run
    ensure_idle(session, model)
    project = session.get_one(Project, model.project_id)
    approved = approving_trusts(session, project)
    if not approved:
        raise NoTrustApproved
    trusts = approved if names is None else trusts_by_name(session, names)
    outside = sorted({t.name for t in trusts} - {t.name for t in approved})
    if outside or not trusts:
        raise TrustNotApproved(trusts=outside)
    if options.min_trusts > len(trusts):
        raise MinTrustsTooHigh(asked=len(trusts))
    ensure_ready(session, model.id)
    files = checked_files(session, objects, model.id)
    errors = [f for f in findings(files, len(trusts)) if f.severity == "error"]
    if errors:
        raise AppCheckFailed(findings=[f.model_dump(mode="json") for f in errors])
    declared = declared_config(files)
    run_config = with_rounds(run_config, options, declared)
    check_run_config(declared, run_config)
    run = Run(
        model_id=model.id,
        project_id=project.id,
        created_by=user.id,
        state=RunState.QUEUED,
        reason_code=RunReason.WAITING_FOR_SLOT,
        run_config=run_config,
        options=options.model_dump(mode="json"),
        rerun_of=rerun_of,
    )
    session.add(run)
    session.flush()
    for trust in trusts:
        session.add(RunTrust(run_id=run.id, trust_id=trust.id, state=RunTrustState.ASKED))
    initiate_model(session, model, run.id)
    add_event(session, run.id, "queued", trusts=[t.name for t in trusts])
    record(session, str(user.id), "run.initiated", str(run.id), model=str(model.id), trusts=[t.name for t in trusts])
    queue_changed(session)
    return run


def rerun(session: Session, objects: Objects, user: User, model: Model, run: Run) -> Run:
    """The same trusts, config and options again, on the app as it is now."""
    names = [trust.name for trust, _ in parts(session, run.id)]
    options = RunOptions.model_validate(run.options)
    return initiate(session, objects, user, model, run.run_config, names, options, rerun_of=run.id)


def declared_config(files: dict[str, bytes]) -> dict[str, Any]:
    project = tomllib.loads(files["pyproject.toml"].decode())
    return flatten(project["tool"]["flwr"]["app"].get("config", {}))


def request_stop(session: Session, user: User, run: Run) -> None:
    if run.state in TERMINAL_RUN_STATES:
        raise RunEnded
    if run.stop_requested is not None:  # asking twice is asking once; an abort stays one
        return
    run.stop_requested = RunReason.STOPPED_BY_USER
    add_event(session, run.id, "stop_requested")
    record(session, str(user.id), "run.stop_requested", str(run.id))
    notify(session, "runs")


def request_abort(session: Session, user: User, run: Run) -> None:
    """End at once, without waiting for the net or for results; also when a stop takes too long."""
    if run.state in TERMINAL_RUN_STATES:
        raise RunEnded
    run.stop_requested = RunReason.ABORTED_BY_USER
    add_event(session, run.id, "abort_requested")
    record(session, str(user.id), "run.abort_requested", str(run.id))
    notify(session, "runs")


def queue_changed(session: Session) -> None:
    emit(session, "queue", ["queue"], {})
    notify(session, "runs")


def parts(session: Session, run_id: UUID) -> list[tuple[Trust, RunTrust]]:
    rows = session.execute(
        select(Trust, RunTrust)
        .join(RunTrust, RunTrust.trust_id == Trust.id)
        .where(RunTrust.run_id == run_id)
        .order_by(Trust.name)
    )
    return [(trust, part) for trust, part in rows]


def states(session: Session, run_id: UUID) -> list[tuple[str, str, str]]:
    """Name, state and reason of each trust, to be shown."""
    rows = (
        select(Trust.name, RunTrust.state, RunTrust.reason)
        .join(Trust, Trust.id == RunTrust.trust_id)
        .where(RunTrust.run_id == run_id)
        .order_by(Trust.name)
    )
    return [(trust, state, reason) for trust, state, reason in session.execute(rows)]


def add_event(session: Session, run_id: UUID, kind: str, **payload: Any) -> None:
    """Part of the run's story: kept with it, and told at once to whoever looks at the run, its model or project."""
    emit(session, kind, topics_of(session, run_id), payload, run_id=run_id, kept=True)
    notify(session, f"run:{run_id}")


def was_told(session: Session, run_id: UUID, kind: str) -> bool:
    return session.scalar(select(Event.id).where(Event.run_id == run_id, Event.kind == kind).limit(1)) is not None


def topics_of(session: Session, run_id: UUID) -> list[str]:
    run = session.get_one(Run, run_id)
    return [f"run:{run.id}", f"model:{run.model_id}", f"project:{run.project_id}"]


# --- what trusts answer ---
@on_result(TaskType.JOIN_RUN)
def on_joined(
    session: Session, trust: Trust, payload: TaskPayload, result: TaskResult | None, error: TaskError | None
) -> None:
    assert isinstance(payload, JoinRun)
    part = session.get(RunTrust, (payload.signed.manifest.run_id, trust.id))
    if part is None or part.state != RunTrustState.ASKED:
        return
    if error is not None and error.code == WAITS:
        wait_for_review(session, trust, part, payload, error)
        add_event(session, part.run_id, "trust_code_review", trust=trust.name)
    elif error is not None:
        part.state, part.reason = RunTrustState.REFUSED, f"{error.code}: {error.message}"
        add_event(session, part.run_id, "trust_refused", trust=trust.name, code=error.code, text=error.message)
    else:
        assert isinstance(result, JoinRunResult)
        part.state, part.public_key = RunTrustState.JOINED, result.public_key
        add_event(session, part.run_id, "trust_joined", trust=trust.name)
    notify(session, "runs")


@on_result(TaskType.START_NODE)
def on_node_started(
    session: Session, trust: Trust, payload: TaskPayload, result: TaskResult | None, error: TaskError | None
) -> None:
    assert isinstance(payload, StartNode)
    part = session.get(RunTrust, (payload.run_id, trust.id))
    if part is None or error is None:
        return
    part.state, part.reason = RunTrustState.LOST, f"{error.code}: {error.message}"
    add_event(session, part.run_id, "trust_lost", trust=trust.name, code=error.code, text=error.message)
    notify(session, "runs")


@on_message(MessageKind.NODE_EVENT)
def on_node_event(session: Session, trust: Trust, message: NodeEventMessage) -> None:
    part = session.get(RunTrust, (message.run_id, trust.id))
    if part is None:
        raise MessageRefused("This trust has no part in this run.")
    if message.event == NodeEvent.REJOIN:
        return _rejoin(session, trust, message)
    if message.event == NodeEvent.LEFT:
        return _left_by_itself(session, trust, part, message)
    add_event(
        session,
        message.run_id,
        f"node_{message.event}",
        trust=trust.name,
        code=message.code,
        error_class=message.error_class,
        text=message.text,
        **message.numbers,
    )


LOST = {
    "agent_restarted": "its agent was started again",
    "supernode_died": "its SuperNode ended",
}


def _rejoin(session: Session, trust: Trust, message: NodeEventMessage) -> None:
    """Its node was lost. With a new key it takes part again, unless the run has ended or this trust has left it."""
    run = session.get_one(Run, message.run_id, with_for_update=True)
    part = session.get_one(RunTrust, (message.run_id, trust.id), with_for_update=True)
    over = run.state not in (RunState.STARTING, RunState.RUNNING) or run.stop_requested or run.finished_on_net
    if over or part.state not in PART_OF_RUN or not message.public_key:
        return
    part.state, part.public_key = RunTrustState.JOINED, message.public_key
    part.reason = LOST.get(message.code, "its node was lost")
    add_event(session, run.id, "trust_rejoining", trust=trust.name, text=part.reason)
    notify(session, "runs")


def _left_by_itself(session: Session, trust: Trust, part: RunTrust, message: NodeEventMessage) -> None:
    """The trust needed nobody's leave; the run goes on with the others if they are enough."""
    if part.state in (RunTrustState.REFUSED, RunTrustState.LOST, RunTrustState.LEFT):
        return
    part.state, part.reason = RunTrustState.LEFT, message.text or message.code
    add_event(session, part.run_id, "trust_left", trust=trust.name, code=message.code, text=part.reason)
    notify(session, "runs")

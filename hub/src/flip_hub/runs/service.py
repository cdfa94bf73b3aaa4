"""*Initiate Training*, stop, and what arrives about a run from trusts and nets."""

import math
import tomllib
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flip_contracts.messages import MessageKind, NodeEventMessage, TaskError
from flip_contracts.run_config import flatten
from flip_contracts.statuses import TERMINAL_RUN_STATES, RunReason, RunState, RunTrustState
from flip_contracts.tasks import JoinRun, JoinRunResult, StartNode, TaskPayload, TaskResult, TaskType
from flip_hub.audit.service import record
from flip_hub.errors import Conflict, HubError
from flip_hub.events import notify
from flip_hub.files.service import contents, ensure_idle, findings
from flip_hub.live.service import emit
from flip_hub.models.service import initiate as initiate_model
from flip_hub.models.tables import Model
from flip_hub.objects import Objects
from flip_hub.projects.service import approving_trusts
from flip_hub.projects.tables import Project
from flip_hub.runs.tables import Run, RunTrust
from flip_hub.trusts.handlers import on_message, on_result
from flip_hub.trusts.service import MessageRefused, trusts_by_name
from flip_hub.trusts.tables import Trust
from flip_hub.users.tables import User

FLIP_KEYS = frozenset({"flip-model-id", "flip-project-id", "flip-cohort-query", "flip-min-clients"})


class AppCheckFailed(HubError):
    code, status = "app_check_failed", 422
    public = "The app has errors. `GET /api/v1/models/{id}/check` lists each with its remedy."


class RunConfigKeyUndeclared(HubError):
    code, status = "run_config_key_undeclared", 422
    public = "The app does not declare these keys. Declare them in [tool.flwr.app.config], or leave them out."


class RunConfigKeyReserved(HubError):
    code, status = "run_config_key_reserved", 422
    public = "The platform sets these keys itself."


class RunConfigTypeWrong(HubError):
    code, status = "run_config_type_wrong", 422
    public = "These values have another type than the app declares."


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
    session: Session, objects: Objects, user: User, model: Model, run_config: dict[str, Any], names: list[str] | None
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
    files = contents(session, objects, model.id)
    errors = [f for f in findings(files, len(trusts)) if f.severity == "error"]
    if errors:
        raise AppCheckFailed(findings=[f.model_dump(mode="json") for f in errors])
    _check_run_config(files, run_config)
    run = Run(
        model_id=model.id,
        project_id=project.id,
        created_by=user.id,
        state=RunState.QUEUED,
        reason_code=RunReason.WAITING_FOR_SLOT,
        run_config=run_config,
    )
    session.add(run)
    session.flush()
    for trust in trusts:
        session.add(RunTrust(run_id=run.id, trust_id=trust.id, state=RunTrustState.ASKED))
    initiate_model(session, model, run.id)
    add_event(session, run.id, "queued", trusts=[t.name for t in trusts])
    record(session, str(user.id), "run.initiated", str(run.id), model=str(model.id), trusts=[t.name for t in trusts])
    notify(session, "runs")
    return run


def _check_run_config(files: dict[str, bytes], run_config: dict[str, Any]) -> None:
    project = tomllib.loads(files["pyproject.toml"].decode())
    declared = flatten(project["tool"]["flwr"]["app"].get("config", {}))
    if reserved := sorted(set(run_config) & FLIP_KEYS):
        raise RunConfigKeyReserved(keys=reserved)
    if undeclared := sorted(set(run_config) - set(declared)):
        raise RunConfigKeyUndeclared(keys=undeclared)
    wrong = sorted(k for k, v in run_config.items() if not _fits(v, declared[k]))
    if wrong:
        raise RunConfigTypeWrong(expected={k: type(declared[k]).__name__ for k in wrong})


def _fits(value: Any, declared: Any) -> bool:
    """An int is fine where a float is declared; a bool is not an int."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, str) and "\x00" in value:
        return False
    if type(declared) is float:
        return type(value) in (int, float)
    return type(value) is type(declared)


def request_stop(session: Session, user: User, run: Run) -> None:
    if run.state in TERMINAL_RUN_STATES:
        raise RunEnded
    run.stop_requested = RunReason.STOPPED_BY_USER
    add_event(session, run.id, "stop_requested")
    record(session, str(user.id), "run.stop_requested", str(run.id))
    notify(session, "runs")


def queue_position(session: Session, run: Run) -> int | None:
    """1 for the next to start; None once it has started."""
    if run.state != RunState.QUEUED:
        return None
    ahead = select(func.count()).where(Run.state == RunState.QUEUED, Run.created_at < run.created_at)
    return (session.scalar(ahead) or 0) + 1


def parts(session: Session, run_id: UUID) -> list[tuple[Trust, RunTrust]]:
    rows = session.execute(
        select(Trust, RunTrust)
        .join(RunTrust, RunTrust.trust_id == Trust.id)
        .where(RunTrust.run_id == run_id)
        .order_by(Trust.name)
    )
    return [(trust, part) for trust, part in rows]


def add_event(session: Session, run_id: UUID, kind: str, **payload: Any) -> None:
    """Part of the run's story: kept with it, and told at once to whoever looks at the run, its model or project."""
    emit(session, kind, topics_of(session, run_id), payload, run_id=run_id, kept=True)
    notify(session, f"run:{run_id}")


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
    if error is not None:
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
    if session.get(RunTrust, (message.run_id, trust.id)) is None:
        raise MessageRefused("This trust has no part in this run.")
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

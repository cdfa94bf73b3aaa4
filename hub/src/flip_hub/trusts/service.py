"""Enrolment, tasks under leases, and messages applied exactly once."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from flip_contracts.messages import (
    EnrolRequest,
    MessageBatch,
    MessageKind,
    MessageReceipt,
    Rejection,
    TaskError,
    TaskResultMessage,
    TrustMessage,
)
from flip_contracts.statuses import TaskState
from flip_contracts.tasks import RESULT_OF, Task, TaskPayload, TaskType
from flip_contracts.wire import PROTOCOL_VERSION, TRUST_NAME_PATTERN
from flip_hub.audit.service import record
from flip_hub.auth import sha256
from flip_hub.db import now
from flip_hub.errors import Conflict, FieldInvalid, HubError, TrustUnknown
from flip_hub.events import notify
from flip_hub.trusts.handlers import MESSAGE_HANDLERS, RESULT_HANDLERS, on_message
from flip_hub.trusts.tables import ReceivedMessage, TaskRow, Trust

LEASE = timedelta(seconds=60)
CODE_LIFE = timedelta(hours=24)
MAX_ATTEMPTS = 5
PAYLOAD: TypeAdapter[TaskPayload] = TypeAdapter(TaskPayload)


class TrustNameTaken(Conflict):
    code = "trust_name_taken"
    public = "There is already a trust of this name."


class EnrolmentCodeInvalid(HubError):
    code, status = "enrolment_code_invalid", 401
    public = "This enrolment code is unknown, used or expired. Ask the hub's admin for a new one."


class AgentTooOld(HubError):
    code, status = "agent_protocol_unsupported", 409
    public = "This agent speaks another protocol version than the hub. Install the agent version that the hub names."


class MessageRefused(HubError):
    """A handler refuses a message for good; the trust keeps it among its dead letters."""

    code, status = "message_refused", 422


def create_trust(session: Session, actor: str, name: str) -> tuple[Trust, str]:
    if not TRUST_NAME_PATTERN.fullmatch(name):
        raise FieldInvalid("A trust's name begins with a letter and holds small letters, digits and hyphens.")
    if session.scalar(select(Trust).where(Trust.name == name)):
        raise TrustNameTaken
    code = secrets.token_urlsafe(16)
    trust = Trust(name=name, code_sha256=sha256(code), code_expires_at=now() + CODE_LIFE)
    session.add(trust)
    session.flush()
    record(session, actor, "trust.created", str(trust.id), name=name)
    return trust, code


def enrol(session: Session, body: EnrolRequest) -> tuple[Trust, str]:
    if body.protocol_version != PROTOCOL_VERSION:
        raise AgentTooOld(hub_protocol_version=PROTOCOL_VERSION)
    trust = session.scalar(select(Trust).where(Trust.code_sha256 == sha256(body.code)).with_for_update())
    if trust is None or trust.code_expires_at is None or trust.code_expires_at < now():
        raise EnrolmentCodeInvalid
    token = secrets.token_urlsafe(32)
    trust.code_sha256 = trust.code_expires_at = None
    trust.public_key, trust.token_sha256 = body.public_key, sha256(token)
    trust.enrolled_at = trust.last_seen_at = now()
    trust.agent_version = body.agent_version
    record(session, f"trust:{trust.name}", "trust.enrolled", str(trust.id))
    return trust, token


def trusts_by_name(session: Session, names: list[str]) -> list[Trust]:
    found = {t.name: t for t in session.scalars(select(Trust).where(Trust.name.in_(names)))}
    unknown = sorted(set(names) - set(found))
    if unknown:
        raise TrustUnknown(trusts=unknown)
    return [found[name] for name in dict.fromkeys(names)]


def queue_task(session: Session, trust_id: UUID, payload: TaskPayload, dedupe_key: str | None = None) -> None:
    """Ask a trust for something; asking again with the same key does nothing."""
    if dedupe_key and session.scalar(select(TaskRow.id).where(TaskRow.dedupe_key == dedupe_key)):
        return
    session.add(
        TaskRow(
            trust_id=trust_id,
            type=payload.type,
            payload=payload.model_dump(mode="json"),
            state=TaskState.QUEUED,
            dedupe_key=dedupe_key,
        )
    )
    session.flush()
    notify(session, f"tasks:{trust_id}")


def claim(session: Session, trust: Trust, limit: int) -> list[Task]:
    """Lease the oldest claimable tasks. SKIP LOCKED: two claimers never share one."""
    trust.last_seen_at = now()
    rows = session.scalars(
        select(TaskRow)
        .where(
            TaskRow.trust_id == trust.id,
            (TaskRow.state == TaskState.QUEUED)
            | ((TaskRow.state == TaskState.LEASED) & (TaskRow.lease_expires_at < now())),
        )
        .order_by(TaskRow.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    tasks = []
    for row in rows:
        if row.attempt >= MAX_ATTEMPTS:
            _finish(
                session,
                trust,
                row,
                None,
                TaskError(code="task_attempts_exhausted", message="The trust tried this task 5 times."),
            )
            continue
        try:
            payload = PAYLOAD.validate_python(row.payload)
        except ValidationError:  # one unreadable row must not block all others
            row.state, row.error_code, row.finished_at = TaskState.FAILED, "task_unreadable", now()
            continue
        until = now() + LEASE
        row.state, row.attempt, row.lease_expires_at = TaskState.LEASED, row.attempt + 1, until
        tasks.append(
            Task(
                id=row.id,
                payload=payload,
                attempt=row.attempt,
                lease_expires_at=until,
            )
        )
    return tasks


def extend(session: Session, trust: Trust, task_id: UUID) -> bool:
    row = session.get(TaskRow, task_id, with_for_update=True)
    if row is None or row.trust_id != trust.id or row.state != TaskState.LEASED:
        return False
    row.lease_expires_at = now() + LEASE
    return True


def receive(session: Session, trust: Trust, batch: MessageBatch) -> MessageReceipt:
    trust.last_seen_at = now()
    accepted, rejected = [], []
    for message in batch.messages:
        try:
            with session.begin_nested():  # one refused message leaves nothing behind and does not stop the others
                _apply(session, trust, message)
            accepted.append(message.id)
        except HubError as refusal:
            rejected.append(Rejection(id=message.id, code=refusal.code, message=refusal.message))
        except DataError:  # a NUL in a text, a number out of range: it would never be taken
            text = "A value in this message cannot be stored."
            rejected.append(Rejection(id=message.id, code=MessageRefused.code, message=text))
    return MessageReceipt(accepted=accepted, rejected=rejected)


def _apply(session: Session, trust: Trust, message: TrustMessage) -> None:
    if session.get(ReceivedMessage, message.id):
        return
    session.add(ReceivedMessage(id=message.id, trust_id=trust.id, received_at=now()))
    session.flush()
    handler = MESSAGE_HANDLERS.get(message.kind)
    if handler is None:
        raise MessageRefused(f"This hub does not take {message.kind} messages.")
    handler(session, trust, message)


@on_message(MessageKind.TASK_RESULT)
def _on_task_result(session: Session, trust: Trust, message: TaskResultMessage) -> None:
    row = session.get(TaskRow, message.task_id, with_for_update=True)
    if row is None or row.trust_id != trust.id:
        raise MessageRefused("This task is not yours.")
    if row.state in (TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED):
        return
    _finish(session, trust, row, message.result, message.error)


def _finish(session: Session, trust: Trust, row: TaskRow, result: dict[str, Any] | None, error: Any) -> None:
    kind = TaskType(row.type)
    parsed = None
    if error is None:
        try:
            parsed = RESULT_OF[kind].model_validate(result or {})
        except ValidationError:
            error = TaskError(code="result_malformed", message="The trust's answer did not have the documented shape.")
    row.state = TaskState.FAILED if error else TaskState.DONE
    row.error_code, row.finished_at, row.lease_expires_at = error.code if error else None, now(), None
    if handler := RESULT_HANDLERS.get(kind):
        handler(session, trust, PAYLOAD.validate_python(row.payload), parsed, error)

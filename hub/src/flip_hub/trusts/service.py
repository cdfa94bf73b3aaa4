"""Tasks under leases, and messages applied exactly once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from flip_contracts.messages import (
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
from flip_hub.db import now
from flip_hub.errors import Conflict, HubError, TrustUnknown
from flip_hub.events import notify
from flip_hub.trusts.handlers import CLAIM_HANDLERS, MESSAGE_HANDLERS, RESULT_HANDLERS, on_message
from flip_hub.trusts.tables import ReceivedMessage, TaskRow, Trust

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 5
PAYLOAD: TypeAdapter[TaskPayload] = TypeAdapter(TaskPayload)


class TrustRevoked(Conflict):
    code = "trust_revoked"
    public = "These trusts do not take part any more. Leave them out, or ask an admin to enrol them again."


class LeaseLost(HubError):
    code, status = "lease_lost", 410
    public = "This task is not yours any more: it took too long, or it was cancelled. Stop the work."


class MessageRefused(HubError):
    """A handler refuses a message for good; the trust keeps it among its dead letters."""

    code, status = "message_refused", 422
    public = "The hub does not take this message; its text says why. It would be refused again."


def is_online(trust: Trust, offline_after: timedelta) -> bool:
    return trust.revoked_at is None and trust.last_seen_at is not None and trust.last_seen_at > now() - offline_after


def trusts_by_name(session: Session, names: list[str]) -> list[Trust]:
    """In the order of the names. Raises for a name that no trust has, and for a trust that takes part no more."""
    found = {t.name: t for t in session.scalars(select(Trust).where(Trust.name.in_(names)))}
    if unknown := sorted(set(names) - set(found)):
        raise TrustUnknown(trusts=unknown)
    if revoked := sorted(name for name, trust in found.items() if trust.revoked_at is not None):
        raise TrustRevoked(trusts=revoked)
    return [found[name] for name in dict.fromkeys(names)]


def queue_task(session: Session, trust_id: UUID, payload: TaskPayload, dedupe_key: str | None = None) -> UUID:
    """Ask a trust for something; asking again with the same key does nothing. Returns the task's id."""
    if dedupe_key and (known := session.scalar(select(TaskRow.id).where(TaskRow.dedupe_key == dedupe_key))):
        return known
    row = TaskRow(
        trust_id=trust_id,
        type=payload.type,
        payload=payload.model_dump(mode="json"),
        state=TaskState.QUEUED,
        dedupe_key=dedupe_key,
    )
    session.add(row)
    session.flush()
    notify(session, f"tasks:{trust_id}")
    return row.id


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
        if handler := CLAIM_HANDLERS.get(payload.type):
            handler(session, trust, payload)
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
    row = {"id": message.id, "trust_id": trust.id, "received_at": now()}
    noted = session.execute(insert(ReceivedMessage).values(row).on_conflict_do_nothing())
    if not noted.rowcount:  # type: ignore[attr-defined]  CursorResult
        return  # it was sent again
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

"""Features say here what they do with a trust's messages and task results."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from flip_contracts.messages import MessageKind, TaskError
from flip_contracts.tasks import TaskPayload, TaskResult, TaskType
from flip_hub.trusts.tables import Trust

MessageHandler = Callable[[Session, Trust, Any], None]
ClaimHandler = Callable[[Session, Trust, TaskPayload], None]
ResultHandler = Callable[[Session, Trust, TaskPayload, TaskResult | None, TaskError | None], None]
MESSAGE_HANDLERS: dict[MessageKind, MessageHandler] = {}
RESULT_HANDLERS: dict[TaskType, ResultHandler] = {}
CLAIM_HANDLERS: dict[TaskType, ClaimHandler] = {}


def on_message(kind: MessageKind) -> Callable[[MessageHandler], MessageHandler]:
    def register(handler: MessageHandler) -> MessageHandler:
        MESSAGE_HANDLERS[kind] = handler
        return handler

    return register


def on_result(kind: TaskType) -> Callable[[ResultHandler], ResultHandler]:
    def register(handler: ResultHandler) -> ResultHandler:
        RESULT_HANDLERS[kind] = handler
        return handler

    return register


def on_claim(kind: TaskType) -> Callable[[ClaimHandler], ClaimHandler]:
    """Called in the transaction in which a trust takes the task."""

    def register(handler: ClaimHandler) -> ClaimHandler:
        CLAIM_HANDLERS[kind] = handler
        return handler

    return register

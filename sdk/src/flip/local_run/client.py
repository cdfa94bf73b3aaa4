"""One simulated trust answering messages: what SuperNode and `flwr-clientapp` do on the platform, in this process."""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flwr.app import Context, Error, Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.supercore.task_identity import TaskIdentity

from flip import reply_metrics
from flip.local_run.modules import AppModules
from flip.local_run.project import Scalar
from flip.local_run.trace import Failure, failure_of
from flip.local_run.trusts import Trust, environment


@dataclass(frozen=True, slots=True)
class ClientPlan:
    """Everything a simulated trust needs; can be pickled, so that it can go to a process of its own."""

    root: Path
    reference: str  # module:attribute of the ClientApp
    trust: Trust
    trusts: int
    run_id: int
    run_config: dict[str, Scalar]
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """`reply` is a pickled Message: both sides of the wire work on copies, as they do over a network."""

    reply: bytes
    seconds: float
    failure: Failure | None


class Client:
    """One trust. Its `context.state` outlives a message, its module state does not."""

    def __init__(self, plan: ClientPlan) -> None:
        self._plan = plan
        self._context = Context(
            run_id=plan.run_id,
            node_id=plan.trust.node_id,
            node_config=plan.trust.node_config(plan.trusts),
            state=RecordDict(),
            run_config=dict(plan.run_config),
        )

    def answer(self, packed: bytes) -> Answer:
        """Let the ClientApp answer. Whatever it raises becomes an error reply, worded as Flower words it."""
        message: Message = pickle.loads(packed)
        started = time.perf_counter()
        failure = None
        try:
            with environment(self._plan.trust.environment), _identity(self._plan.trust.node_id):
                reply = self._call(message)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  an app may raise anything, SystemExit included
            failure = failure_of(error, self._plan.root)
            reply = Message(_error_of(error), reply_to=message)
        reply.metadata.__dict__["_message_id"] = uuid.uuid4().hex
        return Answer(pickle.dumps(reply, 5), time.perf_counter() - started, failure)

    def _call(self, message: Message) -> Message:
        modules = AppModules(self._plan.root)
        with reply_metrics.recording() as sent:
            with modules.active():
                app = modules.load(self._plan.reference)
                reply: Any = app(message=message, context=self._context)
            if not isinstance(reply, Message):
                raise TypeError(f"The ClientApp returned {type(reply).__name__}, not a Message(..., reply_to=msg).")
            already_sent = frozenset(sent)
        if reply.has_content():
            self._forward(reply, round_of(message), already_sent)
        return reply

    def _forward(self, reply: Message, server_round: int, sent: Collection[tuple[str, str, float]]) -> None:
        """Chart the numbers of the reply's MetricRecords, as the platform does."""
        numbers: dict[str, object] = {}
        for record in reply.content.metric_records.values():
            numbers |= dict(record)
        model_id = str(self._plan.run_config["flip-model-id"])
        reply_metrics.forward(numbers, server_round, sent, client_name=self._plan.trust.name, model_id=model_id)


def round_of(message: Message) -> int:
    """The round as strategies write it (a `config` record, or the group id); 0 where there is none."""
    for record in message.content.config_records.values():
        if isinstance(found := record.get("server-round"), int):
            return found
    group = message.metadata.group_id
    return int(group) if group.isdigit() else 0


def crashed(packed: bytes, why: str) -> Answer:
    """The answer in place of a ClientApp whose process is gone."""
    message: Message = pickle.loads(packed)
    text = f"ClientApp stopped responding: {why}."
    reply = Message(Error(ErrorCode.CLIENT_APP_CRASHED, text), reply_to=message)
    reply.metadata.__dict__["_message_id"] = uuid.uuid4().hex
    return Answer(pickle.dumps(reply, 5), 0.0, Failure("ClientAppCrashed", text, "", text, text))


def _error_of(error: BaseException) -> Error:
    if isinstance(error, SystemExit):  # the process is gone; Flower notices that it is silent
        return Error(ErrorCode.CLIENT_APP_CRASHED, f"ClientApp stopped responding: it exited ({error.code}).")
    return Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, f"{type(error)}:<'{error}'>")


class _identity:
    """`TaskIdentity` is per process on the platform; here it changes hands."""

    def __init__(self, node_id: int) -> None:
        self._node_id = node_id

    def __enter__(self) -> None:
        self._before = TaskIdentity.node_id
        TaskIdentity.node_id = self._node_id

    def __exit__(self, *_: object) -> None:
        TaskIdentity.node_id = self._before

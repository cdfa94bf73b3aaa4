"""A Grid whose nodes are simulated trusts: messages go straight to their ClientApps."""

from __future__ import annotations

import pickle
import threading
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait

from flwr.app import Message, RecordDict
from flwr.common.constant import SUPERLINK_NODE_ID
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid
from flwr.supercore.run import Run

from flip.local_run.client import Answer, round_of
from flip.local_run.crew import Crew
from flip.local_run.record import Recorder
from flip.local_run.trusts import Trust


class LocalGrid(Grid):
    """Replies are kept until they are pulled. A sequential crew has answered when `push_messages` returns."""

    def __init__(self, run: Run, trusts: Sequence[Trust], crew: Crew, recorder: Recorder) -> None:
        self._run, self._crew, self._recorder = run, crew, recorder
        self._names = {trust.node_id: trust.name for trust in trusts}
        self._asked: dict[str, Future[Answer]] = {}
        self._lock = threading.Lock()  # Flower's legacy strategies push from several threads

    def set_run(self, run: Run) -> None:
        self._run = run

    @property
    def run(self) -> Run:
        return self._run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_nodes(self) -> Iterable[NodeInfo]:
        return [NodeInfo(node_id=node, name=name, status="online") for node, name in self._names.items()]

    def get_node_ids(self) -> Iterable[int]:
        return list(self._names)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """The ids to pull replies with; an empty one for a message to a node that is not in this run."""
        return [self._push(message) for message in messages]

    def _push(self, message: Message) -> str:
        node = message.metadata.dst_node_id
        if node not in self._names:
            return ""
        identifier = uuid.uuid4().hex
        message.metadata.__dict__.update(_message_id=identifier, _src_node_id=SUPERLINK_NODE_ID)
        phase, server_round, name = message.metadata.message_type, round_of(message), self._names[node]
        self._recorder.started(name, phase, server_round)
        future = self._crew.ask(node, pickle.dumps(message, 5))

        def tell(done: Future[Answer]) -> None:
            if not done.cancelled() and done.exception() is None:
                answer = done.result()
                self._recorder.finished(name, phase, server_round, answer.seconds, answer.failure)

        future.add_done_callback(tell)
        with self._lock:
            self._asked[identifier] = future
        return identifier

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        replies: list[Message] = []
        for identifier in list(message_ids):
            with self._lock:
                future = self._asked.get(identifier)
                if future is None or not future.done():
                    continue
                del self._asked[identifier]
            replies.append(pickle.loads(future.result().reply))
        return replies

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """As on the platform, a reply that took longer than `timeout` is not waited for; here that is said."""
        identifiers = list(self.push_messages(messages))
        asked = {one: self._asked[one] for one in identifiers if one in self._asked}
        wait(asked.values(), timeout)
        in_time = [one for one, future in asked.items() if future.done() and not _late(future, timeout)]
        if len(in_time) < len(asked):
            self._recorder.notice(
                f"{len(asked) - len(in_time)} of {len(asked)} replies took longer than the timeout of {timeout:g} s "
                "and were left out, as on the platform. Raise it: strategy.start(..., timeout=seconds)."
            )
        replies = self.pull_messages(in_time)
        with self._lock:
            for one in asked:
                self._asked.pop(one, None)
        return replies


def _late(future: Future[Answer], timeout: float | None) -> bool:
    return timeout is not None and future.result().seconds > timeout

"""How a round goes on when a trust is slow or lost, by the run's policy; and nothing about it is silent.

It stands where Flower's `Grid.send_and_receive` would, which waits for every reply up to the strategy's timeout, gives
up on a lost node for good, and drops what comes later without a word.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import flwr.superlink.grid.http_grid as flwr_grid
from flwr.app import Error, Message
from flwr.common.constant import ErrorCode

from flip_contracts.fl_api import RoundPolicy
from flip_fl.executor.report import ROUND_POLICY, post, round_of
from flip_fl.executor.waits import AdaptiveTime

CRASHES_FORGIVEN = 2  # of one trust's ClientApp in one round, under `wait`: it may have been the machine
LOOK_SECONDS = 3  # as Flower's own wait; `AdaptiveTime` makes it short where something happens


def policy_of_this_run() -> RoundPolicy:
    return RoundPolicy.model_validate(json.loads(os.environ.get(ROUND_POLICY, "{}")))


@dataclass
class Lost:
    """A trust whose node went while it had a message of this round, or just before it would have got one."""

    message: Message
    reply: Message  # an error
    since: float


@dataclass
class Late:
    trust: str
    round: int
    phase: str
    over: float  # when the round ended without it


class Rounds:
    def __init__(self) -> None:
        self._names: dict[int, str] = {}  # of nodes that were seen
        self._late: dict[str, Late] = {}  # by message id
        self._time = AdaptiveTime()

    def install(self) -> None:
        nodes = flwr_grid.HttpGrid.get_nodes

        def get_nodes(grid: Any) -> Any:
            found = list(nodes(grid))
            self._names |= {node.node_id: node.name for node in found}
            return found

        def send_and_receive(grid: Any, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
            return self.exchange(grid, list(messages), timeout)

        flwr_grid.HttpGrid.get_nodes = get_nodes  # type: ignore[method-assign]
        flwr_grid.HttpGrid.send_and_receive = send_and_receive  # type: ignore[method-assign]

    def exchange(self, grid: Any, messages: list[Message], timeout: float | None) -> list[Message]:
        if not messages:
            return []
        policy, began = policy_of_this_run(), time.monotonic()
        ends = began + timeout if timeout is not None else float("inf")
        waiting, refused = self._push(grid, messages)
        replies: list[Message] = []
        lost = self._left_meanwhile(refused, began)
        crashed: Counter[str] = Counter()
        while True:
            for reply in grid.pull_messages({*waiting, *self._late}):
                self._sort(reply, waiting, replies, lost, policy, crashed)
            now = time.monotonic()
            if not waiting or policy.kind == "wait":
                lost = self._again(grid, policy, waiting, replies, lost)
            if not waiting and not lost:
                return replies
            enough = sum(not reply.has_error() for reply in replies) >= policy.minimum
            hurried = (
                policy.kind == "minimum" and policy.seconds is not None and now - began > policy.seconds and enough
            )
            if now >= ends or hurried:
                self._give_up(waiting, lost, replies)
                return replies
            self._time.sleep(LOOK_SECONDS)

    @staticmethod
    def _push(grid: Any, messages: list[Message]) -> tuple[dict[str, Message], list[Message]]:
        """Those sent, by message id, and those refused."""
        sent, refused = {}, []
        for message_id, message in zip(grid.push_messages(messages), messages, strict=False):
            if message_id:
                sent[message_id] = message
            else:
                refused.append(message)
        return sent, refused

    def _left_meanwhile(self, refused: list[Message], since: float) -> list[Lost]:
        """Whose node has ended since it was chosen. One that was never in this run is told, and not waited for."""
        lost = []
        for message in refused:
            if message.metadata.dst_node_id in self._names:
                lost.append(Lost(message, _unavailable(message), since))
            else:
                _tell(f"A message to {self._name(message)} was refused: it was never part of this run.")
        return lost

    def _sort(
        self,
        reply: Message,
        waiting: dict[str, Message],
        replies: list[Message],
        lost: list[Lost],
        policy: RoundPolicy,
        crashed: Counter[str],
    ) -> None:
        asked = reply.metadata.reply_to_message_id
        if (message := waiting.pop(asked, None)) is not None:
            gone = reply.has_error() and reply.error.code == ErrorCode.NODE_UNAVAILABLE
            if policy.kind == "wait" and reply.has_error() and was_killed(reply):
                crashed[name := self._name(message)] += 1
                gone = crashed[name] <= CRASHES_FORGIVEN
            if gone:
                lost.append(Lost(message, reply, time.monotonic()))
            else:
                replies.append(reply)
        elif (late := self._late.pop(asked, None)) is not None:
            after = time.monotonic() - late.over
            came = "never came: its node was lost" if reply.has_error() else f"came {after:.0f} s after the round's end"
            _tell(f"{late.trust}'s reply to round {late.round} ({late.phase}) {came}. It was not used.")

    def _again(
        self, grid: Any, policy: RoundPolicy, waiting: dict[str, Message], replies: list[Message], lost: list[Lost]
    ) -> list[Lost]:
        """Send again to those that are back. A round is never given up for lost nodes alone while it has no result."""
        if not lost:
            return []
        if policy.kind != "wait" and any(not reply.has_error() for reply in replies):
            for each in lost:
                _tell(
                    f"Round {round_of(each.message)} goes on without {self._name(each.message)}: its node was lost. "
                    "It takes part again from the next round after it is back."
                )
                replies.append(each.reply)
            return []
        online = {node.name: node.node_id for node in grid.get_nodes()}
        left = []
        for each in lost:
            name, number = self._name(each.message), round_of(each.message)
            if name in online and (sent := self._push(grid, [_to(each.message, online[name])])[0]):
                waiting |= sent
                _tell(f"Round {number} was sent again to {name}.")
            elif time.monotonic() - each.since > policy.rejoin_seconds:
                _tell(f"{name} did not come back within {policy.rejoin_seconds:.0f} s; round {number} ends without it.")
                replies.append(each.reply)
            else:
                left.append(each)
        return left

    def _give_up(self, waiting: dict[str, Message], lost: list[Lost], replies: list[Message]) -> None:
        for message_id, message in waiting.items():
            name, number, phase = self._name(message), round_of(message), message.metadata.message_type
            self._late[message_id] = Late(name, number, phase, time.monotonic())
            _tell(f"Round {number} ({phase}) ended before {name} had answered. Its reply will be told, and not used.")
        replies += [each.reply for each in lost]

    def _name(self, message: Message) -> str:
        return self._names.get(message.metadata.dst_node_id) or f"node {message.metadata.dst_node_id}"

    def wait_for_nodes(self, grid: Any, wanted: int, seconds: float) -> int:
        """How many are online, once it is enough or the time is over."""
        ends = time.monotonic() + seconds
        while (there := len(list(grid.get_nodes()))) < wanted and time.monotonic() < ends:
            self._time.sleep(LOOK_SECONDS)
        return there


def was_killed(reply: Message) -> bool:
    """Its ClientApp's process was ended by a signal that neither the app nor a limit of ours gave it; or a SuperLink
    that was killed has lost a part of the message or its reply."""
    if reply.error.code in (ErrorCode.MESSAGE_UNAVAILABLE, ErrorCode.REPLY_MESSAGE_UNAVAILABLE):
        return True
    return reply.error.code == ErrorCode.CLIENT_APP_CRASHED and "exited with code -" in (reply.error.reason or "")


ROUNDS = Rounds()


def _tell(text: str) -> None:
    post("/relay/v1/notice", {"text": text})


def _unavailable(message: Message) -> Message:
    return Message(Error(ErrorCode.NODE_UNAVAILABLE, "its node was not part of the run any more"), reply_to=message)


def _to(message: Message, node_id: int) -> Message:
    told = message.metadata
    return Message(message.content, node_id, told.message_type, ttl=told.ttl, group_id=told.group_id)

"""A round by the run's policy: who is waited for, who is sent the message again, and that nothing is silent."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from flwr.app import ConfigRecord, Error, Message, RecordDict
from flwr.common.constant import ErrorCode
from flwr.supercore.task_identity import TaskIdentity

from flip_fl.executor import rounds
from flip_fl.executor.report import ROUND_POLICY
from flip_fl.executor.rounds import Rounds


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Grid:
    """A SuperLink with nodes by name; `answers(name, seconds)` is what a pull finds for a message to it."""

    def __init__(self, clock: Clock, answers: Any, **nodes: int):
        self.clock, self.answers, self.nodes = clock, answers, nodes
        self.sent: list[tuple[str, int]] = []
        self.open: dict[str, Message] = {}

    def get_nodes(self) -> list[Any]:
        return [SimpleNamespace(name=name, node_id=node) for name, node in self.nodes.items()]

    def push_messages(self, messages: list[Message]) -> list[str | None]:
        ids: list[str | None] = []
        for message in messages:
            name = next((n for n, node in self.nodes.items() if node == message.metadata.dst_node_id), "")
            self.sent.append((name, message.metadata.dst_node_id))
            message_id = f"m{len(self.sent)}" if name else None
            ids.append(message_id)
            if message_id:
                message.metadata.__dict__["_message_id"] = message_id
                self.open[message_id] = message
        return ids

    def pull_messages(self, ids: set[str]) -> list[Message]:
        replies = []
        for message_id in sorted(ids & set(self.open)):
            message = self.open[message_id]
            answer = self.answers(message.metadata.dst_node_id, self.clock.now)
            if answer is not None:
                del self.open[message_id]
                replies.append(Message(answer, reply_to=message))
        return replies


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rounds, "time", clock)
    for name in ("_task_id", "_run_id", "_node_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)
    return clock


@pytest.fixture
def said(monkeypatch) -> list[str]:
    notices: list[str] = []
    monkeypatch.setattr(rounds, "post", lambda _, body: notices.append(body["text"]))
    return notices


RESULT, GONE = RecordDict(), Error(ErrorCode.NODE_UNAVAILABLE, "gone")


def exchange(monkeypatch, clock, grid, timeout: float = 1000, **policy):
    monkeypatch.setenv(ROUND_POLICY, json.dumps(policy))
    watched = Rounds()
    watched._time = clock  # type: ignore[assignment]
    watched._names = {node: name for name, node in grid.nodes.items()}
    content = RecordDict({"config": ConfigRecord({"server-round": 3})})
    messages = [Message(content, node, "train") for node in grid.nodes.values()]
    return watched, watched.exchange(grid, messages, timeout)


def results(replies: list[Message]) -> list[bool]:
    return sorted(not reply.has_error() for reply in replies)


def test_all_answer_and_nobody_says_anything(monkeypatch, clock, said):
    _, replies = exchange(monkeypatch, clock, Grid(clock, lambda *_: RESULT, alpha=1, beta=2))
    assert (results(replies), said) == ([True, True], [])


def test_no_message_is_no_exchange(clock, said):
    assert Rounds().exchange(object(), [], None) == []


def test_a_lost_trust_is_dropped_from_the_round_and_that_is_told(monkeypatch, clock, said):
    _, replies = exchange(monkeypatch, clock, Grid(clock, lambda n, _: GONE if n == 2 else RESULT, alpha=1, beta=2))
    assert results(replies) == [False, True]
    assert said == [
        "Round 3 goes on without beta: its node was lost. It takes part again from the next round after it is back."
    ]


def test_a_lost_trust_is_waited_for_and_asked_again_under_its_new_node(monkeypatch, clock, said):
    grid = Grid(clock, None, alpha=1, beta=2)

    def answers(node: int, now: float) -> Any:
        if node == 2:
            del grid.nodes["beta"]
            return GONE
        if now > 30:
            grid.nodes["beta"] = 5
        return RESULT if node != 1 or now > 40 else None

    grid.answers = answers
    _, replies = exchange(monkeypatch, clock, grid, kind="wait")
    assert results(replies) == [True, True]
    assert grid.sent[-1] == ("beta", 5)
    assert said == ["Round 3 was sent again to beta."]


def test_who_does_not_come_back_in_time_is_no_longer_waited_for(monkeypatch, clock, said):
    grid = Grid(clock, lambda n, _: GONE if n == 2 else RESULT, alpha=1, beta=2)
    pull = grid.pull_messages

    def pulled(ids):
        grid.nodes.pop("beta", None)
        return pull(ids)

    grid.pull_messages = pulled  # type: ignore[method-assign]
    _, replies = exchange(monkeypatch, clock, grid, kind="wait", rejoin_seconds=60)
    assert results(replies) == [False, True]
    assert said == ["beta did not come back within 60 s; round 3 ends without it."]
    assert 60 < clock.now < 70


def test_a_round_that_lost_every_trust_waits_for_one_under_any_policy(monkeypatch, clock, said):
    grid = Grid(clock, None, alpha=1)

    def answers(node: int, now: float) -> Any:
        if node == 1:
            grid.nodes["alpha"] = 9
            return GONE
        return RESULT

    grid.answers = answers
    _, replies = exchange(monkeypatch, clock, grid, kind="drop")
    assert results(replies) == [True]
    assert "sent again to alpha" in said[0]


def test_an_apps_own_failure_is_no_lost_trust(monkeypatch, clock, said):
    raised = Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, "boom")
    grid = Grid(clock, lambda *_: raised, alpha=1)
    _, replies = exchange(monkeypatch, clock, grid, kind="wait")
    assert (results(replies), len(grid.sent), said) == ([False], 1, [])


def test_a_clientapp_that_was_killed_is_asked_again_where_the_run_waits(monkeypatch, clock, said):
    killed = Error(ErrorCode.CLIENT_APP_CRASHED, "ClientAppExited: the ClientApp's process exited with code -9")
    grid = Grid(clock, lambda *_: killed if len(grid.sent) < 3 else RESULT, alpha=1)
    _, replies = exchange(monkeypatch, clock, grid, kind="wait")
    assert (results(replies), len(grid.sent)) == ([True], 3)
    for policy, ending, times in (("wait", "-9", 3), ("drop", "-9", 1), ("wait", "3", 1)):
        ended = Error(
            ErrorCode.CLIENT_APP_CRASHED, f"ClientAppExited: the ClientApp's process exited with code {ending}"
        )
        grid = Grid(clock, lambda *_, e=ended: e, alpha=1)
        _, replies = exchange(monkeypatch, clock, grid, kind=policy)
        assert (results(replies), len(grid.sent)) == ([False], times)


def test_a_slow_trust_is_not_waited_for_once_enough_have_answered(monkeypatch, clock, said):
    grid = Grid(clock, lambda n, _: None if n == 2 else RESULT, alpha=1, beta=2)
    watched, replies = exchange(monkeypatch, clock, grid, kind="minimum", seconds=20, minimum=1)
    assert results(replies) == [True]
    assert 20 < clock.now < 30
    assert said == ["Round 3 (train) ended before beta had answered. Its reply will be told, and not used."]
    grid.answers = lambda *_: RESULT
    clock.now += 100
    content = RecordDict({"config": ConfigRecord({"server-round": 4})})
    assert results(watched.exchange(grid, [Message(content, 1, "train")], 1000)) == [True]
    assert said[1:] == ["beta's reply to round 3 (train) came 100 s after the round's end. It was not used."]


def test_with_fewer_than_the_minimum_the_round_waits_up_to_its_timeout(monkeypatch, clock, said):
    grid = Grid(clock, lambda n, _: None if n == 2 else RESULT, alpha=1, beta=2)
    _, replies = exchange(monkeypatch, clock, grid, timeout=90, kind="minimum", seconds=20, minimum=2)
    assert results(replies) == [True]
    assert 90 <= clock.now < 100
    assert "before beta had answered" in said[0]


def test_a_late_reply_that_never_came_is_told_too(monkeypatch, clock, said):
    grid = Grid(clock, lambda n, _: None if n == 2 else RESULT, alpha=1, beta=2)
    watched, _ = exchange(monkeypatch, clock, grid, timeout=10)
    grid.answers = lambda n, _: GONE if n == 2 else RESULT
    watched.exchange(grid, [Message(RecordDict(), 1, "train")], 1000)
    assert said[1:] == ["beta's reply to round 3 (train) never came: its node was lost. It was not used."]


@pytest.mark.parametrize(("policy", "answered"), [("wait", [True, True]), ("drop", [False, True])])
def test_a_trust_that_left_just_before_its_message_is_a_lost_one(monkeypatch, clock, said, policy, answered):
    """It was chosen, its node ended, and the SuperLink refuses the message."""
    grid = Grid(clock, None, alpha=1)

    def answers(node: int, now: float) -> Any:
        if now > 30:
            grid.nodes["gamma"] = 8  # back, with a new key
        return RESULT

    grid.answers = answers
    monkeypatch.setenv(ROUND_POLICY, json.dumps({"kind": policy}))
    watched = Rounds()
    watched._time, watched._names = clock, {1: "alpha", 7: "gamma"}  # type: ignore[assignment]
    asked = [Message(RecordDict({"config": ConfigRecord({"server-round": 3})}), node, "train") for node in (1, 7)]
    if policy == "wait":
        pull = grid.pull_messages
        grid.pull_messages = lambda ids: (answers(0, clock.now), pull(ids))[1]  # type: ignore[method-assign]
    assert results(watched.exchange(grid, asked, 1000)) == answered
    told = {"wait": "Round 3 was sent again to gamma.", "drop": "Round 3 goes on without gamma: its node was lost."}
    assert len(said) == 1
    assert said[0].startswith(told[policy])


def test_a_message_to_a_node_that_never_was_is_told(clock, said):
    watched = Rounds()
    asked = [Message(RecordDict(), 1, "train"), Message(RecordDict(), 9, "train")]
    assert results(watched.exchange(Grid(clock, lambda *_: RESULT, alpha=1), asked, 9)) == [True]
    assert said == ["A message to node 9 was refused: it was never part of this run."]

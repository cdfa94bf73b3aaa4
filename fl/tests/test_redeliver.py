"""A message that a killed SuperLink had marked as delivered is sent again, and carried out once."""

import inspect
from types import SimpleNamespace
from typing import Any

import flwr.supernode.start_client_internal as flwr_node
import numpy as np
import pytest
from flwr.app import ArrayRecord, Message, RecordDict
from flwr.common.constant import NOOP_FLWR_AID, SUPERLINK_NODE_ID
from flwr.server.superlink.linkstate.sql_linkstate import MessageInsModel, MessageResModel, SqlLinkState
from flwr.supercore.constant import NOOP_FEDERATION_ID, TaskType
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.inflatable.inflatable_utils import ObjectPushError
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.federation import NoOpFederationManager

from flip_fl.object_store import DATABASE, FileObjectStore
from flip_fl.redeliver import EachOnce, push_whole, redeliver, still_arriving


def test_flower_marks_deliveries_as_this_undoes_them():
    assert {MessageInsModel.__tablename__, MessageResModel.__tablename__} == {"message_ins", "message_res"}
    for model in (MessageInsModel, MessageResModel):
        assert f'{model.__name__}Model.delivered_at == ""' in inspect.getsource(SqlLinkState)


@pytest.fixture
def link(tmp_path, monkeypatch):
    """Flower's own state over our object store, as in our SuperLink, with a run and one SuperNode in it."""
    manager = NoOpFederationManager()
    state = SqlLinkState(str(tmp_path / "superlink.db"), manager, FileObjectStore(tmp_path))
    state.initialize()
    key = b"key"
    node = state.create_node(NOOP_FLWR_AID, "nobody", key, 1e5)
    assert state.activate_node(node, 1e5)
    run = state.create_run(None, None, "0" * 64, {}, NOOP_FEDERATION_ID, None, NOOP_FLWR_AID, TaskType.SERVER_APP)
    for name, value in {"_run_id": run, "_node_id": SUPERLINK_NODE_ID, "_task_id": 1}.items():
        monkeypatch.setattr(TaskIdentity, name, value)
    return SimpleNamespace(state=state, node=node, run=run, file=tmp_path / "superlink.db", objects=tmp_path / DATABASE)


def announced(link, asked: Message | None = None) -> tuple[Message, dict[str, bytes], list[str], str]:
    """A message to the node, or its reply: with its objects, those that are missing, and the push session."""
    arrays = {"a": ArrayRecord([np.arange(4.0), np.full(9, 2.0 if asked else 1.0)])}
    message = Message(RecordDict(arrays), reply_to=asked) if asked else Message(RecordDict(arrays), link.node, "train")
    message.metadata.__dict__["_message_id"] = message.object_id
    objects = {k: v.deflate() for k, v in get_all_nested_objects(message).items()}
    return message, objects, *again(link, message)


def again(link, message: Message) -> tuple[list[str], str]:
    session = link.state.start_session(link.run)
    store = still_arriving(type(link.state).store_message_and_object_tree)
    stored, missing = store(link.state, message, get_object_tree(message), session)
    assert stored
    return missing, session


def push(link, objects: dict[str, bytes], ids: list[str], session: str) -> None:
    for object_id in ids:
        assert link.state.store_object(link.run, session, object_id, objects[object_id])


def test_only_what_has_not_arrived_whole_is_sent_again(link, tmp_path):
    redeliver(tmp_path / "none.db", link.objects)  # the first start
    assert not (tmp_path / "none.db").exists()
    asked, objects, missing, session = announced(link)
    push(link, objects, missing, session)
    pulled = lambda: [m.metadata.message_id for m in link.state.get_message_ins(link.node, limit=1)]  # noqa: E731
    assert pulled() == [asked.metadata.message_id]
    assert pulled() == []
    redeliver(link.file, link.objects)  # killed before it had sent it
    assert pulled() == [asked.metadata.message_id]
    link.state.object_store.delete(asked.metadata.message_id)  # the node has confirmed that it has it whole
    redeliver(link.file, link.objects)
    assert pulled() == []

    _, objects, missing, session = announced(link, asked)  # and its reply is not one to nothing
    assert set(missing) == set(objects)


def test_a_reply_that_was_told_before_it_had_arrived_still_arrives(link):
    """The ServerApp is told of the reply, and Flower forgets it; then the SuperLink is killed with the arrays half
    there. The SuperNode announces the reply again."""
    asked, *_ = announced(link)
    reply, objects, missing, session = announced(link, asked)
    push(link, objects, missing[:2], session)
    told = link.state.get_message_res({asked.metadata.message_id}, link.run)
    assert [m.metadata.message_id for m in told] == [reply.metadata.message_id]
    link.state.delete_messages({asked.metadata.message_id})  # as `PullMessages` does

    rest, session = again(link, reply)
    assert set(rest) == set(missing[2:])
    push(link, objects, rest, session)
    assert {k: link.state.get_object(link.run, k) for k in objects} == objects

    link.state.object_store.delete(reply.metadata.message_id)  # the ServerApp has it all: now it is one to nothing
    store = still_arriving(type(link.state).store_message_and_object_tree)
    assert store(link.state, reply, get_object_tree(reply), link.state.start_session(link.run)) == (False, [])


def test_a_node_takes_each_message_once_and_again_only_if_it_was_not_whole():
    each, came = EachOnce(), iter(["a", "b", "b", "a", None, "b", "c"])

    def receive() -> Any:
        name = next(came)
        return None if name is None else (SimpleNamespace(metadata=SimpleNamespace(message_id=name)), "tree")

    once, taken = each.receiving(receive), []
    for whole in (True, False, True, True, True, True, True):
        received = once()
        taken.append(received and received[0].metadata.message_id)
        if received is not None and whole:
            each.took()
    assert taken == ["a", "b", "b", None, None, None, "c"]


def test_a_reply_whose_push_session_was_lost_is_announced_again(monkeypatch):
    monkeypatch.setattr("flip_fl.redeliver.PAUSE_SECONDS", 0)
    stored, sessions = [], iter(["one", "two"])
    alive = "two"

    def send(*reply: Any) -> Any:
        assert reply == ("message", "tree", 1.0)
        session = next(sessions)
        return {"a", "b", "c"} if session == "one" else {"a", "b"}, session  # "c" came, and the answer was lost

    def push_object(run_id: int, session: str, object_id: str, contents: bytes) -> None:
        if session != alive:
            raise ObjectPushError(object_id, run_id, session)
        stored.append((object_id, contents))

    def flowers(*, state: Any, object_store: Any, send: Any, push_object: Any) -> None:
        ids, session = send("message", "tree", 1.0)
        for object_id in sorted(ids, reverse=True):
            push_object(7, session, object_id, b"x")

    push_whole(flowers)(state=None, object_store=None, send=send, push_object=push_object)
    assert stored == [("b", b"x"), ("a", b"x")]


def test_flower_pushes_replies_as_this_expects():
    assert list(inspect.signature(flwr_node._push_messages).parameters) == [
        "state",
        "object_store",
        "send",
        "push_object",
    ]

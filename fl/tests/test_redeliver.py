"""A message that a killed SuperLink had marked as delivered is sent again, and carried out once."""

import inspect
import sqlite3
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import flwr.supernode.start_client_internal as flwr_node
from flwr.server.superlink.linkstate.sql_linkstate import MessageInsModel, MessageResModel, SqlLinkState
from flwr.supercore.inflatable.inflatable_utils import ObjectPushError

from flip_fl.redeliver import EachOnce, push_whole, redeliver


def test_flower_marks_deliveries_as_this_undoes_them():
    assert {MessageInsModel.__tablename__, MessageResModel.__tablename__} == {"message_ins", "message_res"}
    for model in (MessageInsModel, MessageResModel):
        assert f'{model.__name__}Model.delivered_at == ""' in inspect.getsource(SqlLinkState)


def test_what_was_on_its_way_is_on_its_way_again(tmp_path):
    file = tmp_path / "superlink.db"
    redeliver(file)  # the first start
    assert not file.exists()
    with closing(sqlite3.connect(file)) as db, db:
        redeliver(file)  # made, and without tables yet
        for table in ("message_ins", "message_res"):
            db.execute(f"CREATE TABLE {table} (message_id TEXT, delivered_at TEXT)")
            db.execute(f"INSERT INTO {table} VALUES ('sent', '2026-01-01'), ('waits', '')")
    redeliver(file)
    with closing(sqlite3.connect(file)) as db:
        for table in ("message_ins", "message_res"):
            assert db.execute(f"SELECT DISTINCT delivered_at FROM {table}").fetchall() == [("",)]


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
        return {"a", "b"}, next(sessions)

    def push_object(run_id: int, session: str, object_id: str, contents: bytes) -> None:
        if session != alive:
            raise ObjectPushError(object_id, run_id, session)
        stored.append((object_id, contents))

    def flowers(*, state: Any, object_store: Any, send: Any, push_object: Any) -> None:
        ids, session = send("message", "tree", 1.0)
        for object_id in sorted(ids):
            push_object(7, session, object_id, b"x")

    push_whole(flowers)(state=None, object_store=None, send=send, push_object=push_object)
    assert stored == [("a", b"x"), ("b", b"x")]


def test_flower_pushes_replies_as_this_expects():
    assert list(inspect.signature(flwr_node._push_messages).parameters) == [
        "state",
        "object_store",
        "send",
        "push_object",
    ]

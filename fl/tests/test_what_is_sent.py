"""What a SuperNode hands to the SuperLink is told to the agent: before the first byte, and after the last."""

import json
from types import SimpleNamespace

import pytest

from flip_fl.supernode import EventFile, _telling_what_it_sends


def message(kind: str, message_id: str):
    return SimpleNamespace(metadata=SimpleNamespace(message_type=kind, message_id=message_id))


def told(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(line["event"], line["code"], line["text"], line["numbers"].get("bytes")) for line in lines]


def test_each_reply_with_its_own_size(tmp_path):
    def push(state, object_store, send, push_object):
        for kind, message_id, contents in (("train", "a", [b"12", b"345"]), ("query.mine", "b", [])):
            send(message(kind, message_id), "tree", 1.0)
            for content in contents:
                push_object(1, "session", "o", content)

    path = tmp_path / "events.jsonl"
    _telling_what_it_sends(push, EventFile(path))(None, None, lambda *_: (set(), "s"), lambda *_: None)
    assert told(path) == [
        ("sending", "train", "a", None),
        ("sent", "train", "a", 5),
        ("sending", "query", "b", None),
        ("sent", "query", "b", 0),
    ]


def test_a_reply_that_broke_off_is_told_with_what_had_left(tmp_path):
    def push(state, object_store, send, push_object):
        send(message("train", "a"), "tree", 1.0)
        push_object(1, "session", "o", b"12")
        raise ConnectionError

    path = tmp_path / "events.jsonl"
    with pytest.raises(ConnectionError):
        _telling_what_it_sends(push, EventFile(path))(None, None, lambda *_: (set(), "s"), lambda *_: None)
    assert told(path) == [("sending", "train", "a", None), ("sent", "train", "a", 2)]

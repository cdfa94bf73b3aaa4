"""Bundles of objects, over Flower's own handlers, state and pull and push functions."""

import hashlib
import types

import pytest
from flwr.app import ConfigRecord, RecordDict
from flwr.proto.message_pb2 import PullObjectRequest, PushObjectRequest
from flwr.proto.node_pb2 import Node
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_pull_object_fn_protobuf,
    make_push_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import ObjectPullError, ObjectPushError
from flwr.supernode.servicer.runtime import runtime_handlers

from flip_fl import bundles


class State:
    """Just what a SuperNode's handlers ask of its state: objects by id, and how often the rest is asked."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refused: set[str] = set()

    def get_object(self, run_id: int, object_id: str) -> bytes | None:
        assert run_id == 7
        return self.objects.get(object_id)

    def store_object(self, run_id: int, session_id: str, object_id: str, content: bytes) -> bool:
        assert (run_id, session_id) == (7, "s")
        if object_id in self.refused:
            return False
        self.objects[object_id] = content
        return True


@pytest.fixture
def there():
    """A SuperNode's handlers, made to answer bundles, and the requests that reach them."""
    handlers = types.SimpleNamespace(pull_object=runtime_handlers.pull_object, push_object=runtime_handlers.push_object)
    bundles.serve_bundles(handlers)
    state, task, requests = State(), types.SimpleNamespace(run_id=7), []

    def pull(request: PullObjectRequest):
        requests.append(request)
        return handlers.pull_object(request, state, task)

    def push(request: PushObjectRequest):
        requests.append(request)
        return handlers.push_object(request, state, task)

    node = Node(node_id=1)
    return types.SimpleNamespace(
        state=state,
        requests=requests,
        pull=make_pull_object_fn_protobuf(pull, node, 7),
        push=make_push_object_fn_protobuf(push, node, 7, "s"),
    )


def objects(count: int, size: int = 100) -> dict[str, bytes]:
    contents = [bytes([i % 256]) * size + str(i).encode() for i in range(count)]
    return {hashlib.sha256(c).hexdigest(): c for c in contents}


@pytest.mark.parametrize(("count", "size", "most"), [(1, 10, 1), (100, 10, 1), (300, 10, 3), (10, 3 * 2**20, 10)])
def test_objects_go_there_and_back_in_few_requests(there, count, size, most):
    sent = objects(count, size)
    bundles.push_object_contents_from_iterable(sent.items(), there.push)
    assert there.state.objects == sent
    assert len(there.requests) <= most
    there.requests.clear()
    assert bundles.pull_objects(list(sent), there.pull) == sent
    assert len(there.requests) <= most + 1


def test_a_bundle_is_no_larger_than_its_bound_and_one_object(there):
    sent = objects(40, 2**20)
    bundles.push_object_contents_from_iterable(sent.items(), there.push)
    bundles.pull_objects(list(sent), there.pull)
    assert max(len(r.object_content) for r in there.requests if isinstance(r, PushObjectRequest)) < 6 * 2**20


def test_an_object_that_is_still_on_its_way_is_waited_for_and_the_others_are_not(there, monkeypatch):
    sent = objects(5)
    late, content = list(sent.items())[2]
    there.state.objects = {**sent, late: b""}
    asked = []

    def pull(object_id: str) -> bytes:
        asked.append(object_id)
        if len(asked) == 3:
            there.state.objects[late] = content
        return there.pull(object_id)

    assert bundles.pull_objects(list(sent), pull) == sent
    assert asked[1:] == [late] * (len(asked) - 1)


def test_an_object_that_nobody_has_is_an_error_that_names_it(there):
    there.state.objects = objects(3)
    with pytest.raises(ObjectPullError, match="0" * 64):
        bundles.pull_objects([*there.state.objects, "0" * 64], there.pull)


def test_waiting_ends(there, monkeypatch):
    monkeypatch.setattr(bundles, "MAX_TRIES", 3)
    there.state.objects = dict.fromkeys(objects(3), b"")
    with pytest.raises(ObjectPullError, match="retry limit"):
        bundles.pull_objects(list(there.state.objects), there.pull)


def test_an_ended_push_session_is_an_error(there):
    sent = objects(5)
    there.state.refused = set(list(sent)[3:4])
    with pytest.raises(ObjectPushError):
        bundles.push_object_contents_from_iterable(sent.items(), there.push)


def test_a_broken_bundle_is_not_stored(there):
    ids = ",".join(objects(3))
    short = bundles.pack([(bundles.HERE, b"a"), (bundles.HERE, b"b")])
    with pytest.raises(ObjectPushError):
        there.push(ids, short)
    with pytest.raises(ValueError, match="ends early"):
        there.push(ids, short[:-1])
    assert there.state.objects == {}


def test_a_run_is_looked_up_once_and_its_traffic_written_once():
    calls = []

    class Real:
        def get_run_status(self, ids):
            calls.append("status")
            return dict.fromkeys(ids, "running")

        def store_traffic(self, run_id, *, bytes_sent, bytes_recv):
            calls.append((run_id, bytes_sent, bytes_recv))

    with bundles._Once(Real()) as once:
        for _ in range(5):
            assert once.get_run_status({7}) == {7: "running"}
            once.store_traffic(7, bytes_sent=3, bytes_recv=0)
    assert calls == ["status", (7, 15, 0)]


def test_flowers_functions_are_replaced_where_they_are_used():
    import flwr.supercore.inflatable.inflatable_utils as utils
    import flwr.superlink.grid.http_grid as grid
    import flwr.supernode.start_client_internal as node

    for module, names in {
        utils: ("pull_objects", "push_object_contents_from_iterable"),
        grid: ("pull_objects",),
        node: ("pull_objects", "push_object_contents_from_iterable"),
    }.items():
        for name in names:
            assert callable(getattr(module, name)), (module.__name__, name)
    record = RecordDict({"c": ConfigRecord({"a": 1})})
    pushed: dict[str, bytes] = {}
    copy = types.SimpleNamespace(push_object_contents_from_iterable=utils.push_object_contents_from_iterable)
    bundles.ask_in_bundles(copy)
    assert copy.push_object_contents_from_iterable is bundles.push_object_contents_from_iterable
    utils.push_objects({record.object_id: record}, pushed.__setitem__)
    assert list(pushed) == [record.object_id]


def test_an_object_that_is_there_already_is_pushed_again_without_harm(there):
    """Its push session does not wait for it any more: it came, and the word of that was lost."""
    sent = objects(5)
    there.state.objects = dict(list(sent.items())[:2])
    there.state.refused = set(there.state.objects)
    bundles.push_object_contents_from_iterable(sent.items(), there.push)
    bundles.push_object_contents_from_iterable(list(sent.items())[:1], there.push)
    assert there.state.objects == sent

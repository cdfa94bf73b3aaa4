"""One suite over Flower's own object stores and ours; then what only ours promises."""

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, RecordDict
from flwr.proto.message_pb2 import ObjectTree
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.object_store.in_memory_object_store import InMemoryObjectStore
from flwr.supercore.object_store.object_store import NoObjectInStoreError
from flwr.supercore.object_store.sql_object_store import SqlObjectStore

from flip_fl.object_store import INLINE_BYTES, FileObjectStore


@pytest.fixture(params=["flower_memory", "flower_sql", "files"])
def store(request, tmp_path):
    if request.param == "flower_memory":
        return InMemoryObjectStore()
    if request.param == "flower_sql":
        sql = SqlObjectStore(str(tmp_path / "flower.db"))
        sql.initialize()
        return sql
    return FileObjectStore(tmp_path)


def message(value: float, words: str = "a") -> tuple[ObjectTree, dict[str, bytes]]:
    """A record with one large and one small array: its tree and its contents by id."""
    large = np.full(INLINE_BYTES, value, np.float32)
    record = RecordDict({"arrays": ArrayRecord([large, np.zeros(2)]), "config": ConfigRecord({"words": words})})
    return get_object_tree(record), {k: v.deflate() for k, v in get_all_nested_objects(record).items()}


def fill(store, run: int, tree: ObjectTree, contents: dict[str, bytes]) -> None:
    for object_id in store.preregister(run, tree):
        store.put(object_id, contents[object_id])


def test_what_is_put_comes_back_and_only_what_is_missing_is_asked_for(store):
    tree, contents = message(1)
    assert set(store.preregister(1, tree)) == set(contents)
    assert store.get(tree.object_id) == b""
    for object_id, content in contents.items():
        store.put(object_id, content)
        store.put(object_id, content)  # twice is once
    assert {k: store.get(k) for k in contents} == contents
    back = store.get_object_tree(tree.object_id)
    assert {child.object_id for child in back.children} == {child.object_id for child in tree.children}
    other, more = message(1, words="b")
    assert set(store.preregister(1, other)) == set(more) - set(contents)
    assert len(store) == len(set(contents) | set(more))


def test_unknown_ids_and_wrong_contents_are_refused(store):
    tree, contents = message(1)
    (first, content), *_ = contents.items()
    assert store.get("0" * 64) is None
    assert "0" * 64 not in store
    with pytest.raises(NoObjectInStoreError):
        store.put(first, content)
    with pytest.raises(NoObjectInStoreError):
        store.get_object_tree(first)
    store.preregister(1, tree)
    with pytest.raises(ValueError, match="hash"):
        store.put(first, content + b"x")
    with pytest.raises(ValueError, match="Invalid object ID"):
        store.preregister(1, ObjectTree(object_id="../../etc/passwd"))


def test_deleting_a_message_leaves_what_another_one_shares(store):
    (one, contents), (two, more) = message(1), message(1, words="b")
    fill(store, 1, one, contents)
    fill(store, 1, two, more)
    store.delete(one.object_id)
    assert {k for k in contents if k in store} == set(contents) & set(more)
    store.delete(two.object_id)
    assert len(store) == 0


def test_a_part_of_a_message_is_not_deleted_by_itself(store):
    tree, contents = message(1)
    fill(store, 1, tree, contents)
    store.delete(tree.children[0].object_id)
    assert len(store) == len(contents)


def test_the_end_of_a_run_frees_its_objects(store):
    (one, contents), (two, more) = message(1), message(2, words="b")
    fill(store, 1, one, contents)
    fill(store, 2, two, more)
    store.delete_objects_in_run(1)
    assert {k for k in contents if k in store} <= set(more)
    assert all(store.get(k) == v for k, v in more.items())
    store.clear()
    assert len(store) == 0


def test_objects_outlive_the_process_and_lost_files_are_swept(tmp_path):
    tree, contents = message(1)
    fill(FileObjectStore(tmp_path), 1, tree, contents)
    (tmp_path / "chunks" / "left-by-a-crash.part").write_bytes(b"x")
    again = FileObjectStore(tmp_path)
    assert {k: again.get(k) for k in contents} == contents
    assert {p.name for p in (tmp_path / "chunks").iterdir()} == {
        k for k, v in contents.items() if len(v) >= INLINE_BYTES
    }
    again.delete(tree.object_id)
    assert list((tmp_path / "chunks").iterdir()) == []

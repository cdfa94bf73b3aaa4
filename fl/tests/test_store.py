"""The store: ordered events, one end per run, tokens of running runs only, the nodes of each run."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from flip_contracts.fl_api import EventKind
from flip_fl.store import Store, federation_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "fl.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = Store(file)
    yield opened
    opened.close()


def put(store: Store, token: str = "t", fab: bytes = b"fab", sha: str = "sha") -> UUID:
    run_id = uuid4()
    store.put_run(run_id, {"trust_count": 2}, fab, sha, token)
    return run_id


def texts(store: Store, after: int = 0) -> list[str]:
    return [e.payload["text"] for e in store.events_after(after)]


def test_events_come_back_in_the_order_they_were_written(store):
    one, other = put(store), put(store)
    for number in range(20):
        store.append(one if number % 3 else other, EventKind.NOTICE, {"text": str(number)})
    assert texts(store) == [str(n) for n in range(20)]
    seqs = [e.seq for e in store.events_after(0)]
    assert seqs == sorted(set(seqs))


def test_events_are_read_after_a_cursor_and_up_to_a_limit(store):
    run_id = put(store)
    for number in range(5):
        store.append(run_id, EventKind.NOTICE, {"text": str(number)})
    page = store.events_after(0, limit=2)
    assert [e.payload["text"] for e in page] == ["0", "1"]
    assert texts(store, page[-1].seq) == ["2", "3", "4"]


def test_events_of_many_threads_each_get_their_own_number(store):
    run_id = put(store)

    def write() -> None:
        for _ in range(10):
            store.append(run_id, EventKind.NOTICE, {"text": ""})

    threads = [threading.Thread(target=write) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({e.seq for e in store.events_after(0)}) == 50


def test_forgetting_keeps_what_came_later(store):
    run_id = put(store)
    for number in range(4):
        store.append(run_id, EventKind.NOTICE, {"text": str(number)})
    store.forget_events_up_to(store.events_after(0)[1].seq)
    assert texts(store) == ["2", "3"]


def test_a_number_is_never_given_twice_even_when_all_events_were_forgotten(store, file):
    run_id = put(store)
    store.append(run_id, EventKind.NOTICE, {"text": "old"})
    last = store.events_after(0)[-1].seq
    store.forget_events_up_to(last)
    store.close()
    again = Store(file)
    again.append(run_id, EventKind.NOTICE, {"text": "new"})
    assert texts(again, last) == ["new"]
    again.close()


def test_a_run_is_finished_once_and_told_once(store):
    run_id = put(store)
    store.finish(run_id, {"outcome": "succeeded"})
    store.finish(run_id, {"outcome": "failed"})
    run = store.run(run_id)
    assert run is not None
    assert (run.state, run.finished) == ("finished", {"outcome": "succeeded"})
    assert [(e.kind, e.payload) for e in store.events_after(0)] == [(EventKind.RUN_FINISHED, {"outcome": "succeeded"})]


def test_two_threads_that_finish_a_run_tell_it_once(store):
    run_id = put(store)
    threads = [threading.Thread(target=store.finish, args=(run_id, {"outcome": str(n)})) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.events_after(0)) == 1


def test_finishing_an_unknown_run_tells_nothing(store):
    store.finish(uuid4(), {"outcome": "failed"})
    assert store.events_after(0) == []


def test_a_write_that_fails_leaves_nothing_behind(store):
    run_id = put(store)
    with pytest.raises(TypeError):
        store.finish(run_id, {"outcome": object()})
    with pytest.raises(sqlite3.OperationalError):
        store.update(run_id, no_such_column=1)
    run = store.run(run_id)
    assert run is not None
    assert run.state == "prepared"
    assert store.events_after(0) == []


def test_a_token_is_good_only_while_its_run_is_running(store):
    run_id = put(store, token="hash")
    assert store.run_by_token("hash") is None
    store.update(run_id, state="running")
    found = store.run_by_token("hash")
    assert found is not None
    assert found.run_id == run_id
    assert store.run_by_token("other") is None
    store.finish(run_id, {})
    assert store.run_by_token("hash") is None


def test_a_token_finds_its_own_run_among_others(store):
    first, second = put(store, token="first"), put(store, token="second")
    for run_id in (first, second):
        store.update(run_id, state="running")
    found = store.run_by_token("second")
    assert found is not None
    assert found.run_id == second


def test_preparing_a_run_again_keeps_the_first_fab(store):
    run_id = put(store, fab=b"first", sha="one")
    store.put_run(run_id, {}, b"second", "two", "")
    run = store.run(run_id)
    assert run is not None
    assert (run.fab, run.fab_sha256) == (b"first", "one")
    assert not store.is_vetted("two")


def test_a_fab_is_vetted_as_long_as_its_run_is_known(store):
    run_id = put(store, sha="sha")
    assert store.is_vetted("sha")
    store.delete_run(run_id)
    assert not store.is_vetted("sha")


def test_flowers_run_ids_keep_all_of_their_64_bits(store):
    run_id, big = put(store), 2**64 - 1
    store.update(run_id, flwr_run_id=str(big))
    found = store.run_by_flwr_id(big)
    assert found is not None
    assert (found.run_id, found.flwr_run_id) == (run_id, big)


def test_results_of_training_are_added_up(store):
    run_id = put(store)
    store.add_train_results(run_id, 2)
    store.add_train_results(run_id, 3)
    run = store.run(run_id)
    assert run is not None
    assert run.train_results == 5


def test_a_federation_has_the_nodes_of_its_run_and_no_other(store):
    one, other = put(store), put(store)
    store.put_node(one, "north", "key", 2**64 - 1)
    store.put_node(one, "south", "key", 2)
    store.put_node(other, "north", "key", 3)
    assert store.federation_nodes(federation_of(one)) == {2**64 - 1, 2}
    assert store.federation_nodes(federation_of(other)) == {3}


def test_a_run_without_nodes_has_an_empty_federation(store):
    assert store.federation_nodes(federation_of(put(store))) == set()


@pytest.mark.parametrize("name", ["", "@none/default", "@none/r-", "@none/r-%", federation_of(UUID(int=7))])
def test_an_unknown_federation_has_no_nodes_at_all(store, name):
    put(store)
    assert store.federation_nodes(name) is None


def test_a_forgotten_run_has_no_federation(store):
    run_id = put(store)
    store.put_node(run_id, "north", "key", 1)
    store.delete_run(run_id)
    assert store.federation_nodes(federation_of(run_id)) is None
    assert store.nodes(run_id) == []


def test_a_trust_that_joins_again_replaces_its_node(store):
    run_id = put(store)
    store.put_node(run_id, "north", "old", 1)
    store.put_node(run_id, "north", "new", 2)
    assert store.nodes(run_id) == [("north", "new", 2)]


def test_everything_is_there_after_a_restart(store, file):
    run_id = put(store)
    store.put_node(run_id, "north", "key", 1)
    store.append(run_id, EventKind.NOTICE, {"text": "kept"})
    store.close()
    again = Store(file)
    assert [r.run_id for r in again.runs()] == [run_id]
    assert again.nodes(run_id) == [("north", "key", 1)]
    assert texts(again) == ["kept"]
    again.close()

"""Who may see whom at the SuperLink: the nodes of one run, and nobody else's."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from flwr.common.constant import NOOP_FLWR_AID, SUPERLINK_NODE_ID
from flwr.superlink.federation import NoOpFederationManager

from flip_fl.federation import RunFederationManager
from flip_fl.store import Store, federation_of

ONE, OTHER = UUID(int=1), UUID(int=2)
ABSENT = ["@none/default", "", federation_of(UUID(int=7))]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[RunFederationManager]:
    store = Store(tmp_path / "fl.db")
    for run_id, nodes in ((ONE, [11, 12]), (OTHER, [21])):
        store.put_run(run_id, {}, b"", "", "")
        for number in nodes:
            store.put_node(run_id, f"trust-{number}", "key", number)
    yield RunFederationManager(store)
    store.close()


def test_a_run_sees_its_own_nodes_alone(manager):
    assert manager.filter_nodes({11, 12, 21, 99}, federation_of(ONE)) == {11, 12}
    assert manager.filter_nodes({11, 12, 21, 99}, federation_of(OTHER)) == {21}


def test_the_superlinks_own_node_passes_as_the_sender(manager):
    assert manager.filter_nodes({SUPERLINK_NODE_ID, 21}, federation_of(ONE)) == {SUPERLINK_NODE_ID}


def test_filtering_does_not_add_a_node_that_was_not_asked_for(manager):
    assert manager.filter_nodes({11}, federation_of(ONE)) == {11}
    assert manager.filter_nodes(set(), federation_of(ONE)) == set()


def test_a_node_belongs_to_the_federation_of_its_run_alone(manager):
    assert manager.has_node(11, federation_of(ONE))
    assert not manager.has_node(11, federation_of(OTHER))


def test_the_federation_of_a_prepared_run_exists(manager):
    assert manager.exists(federation_of(ONE))


@pytest.mark.parametrize("federation", ABSENT)
def test_the_default_federation_and_unknown_ones_do_not_exist(manager, federation):
    assert not manager.exists(federation)


@pytest.mark.parametrize("federation", ABSENT)
def test_asking_about_an_absent_federation_is_an_error_and_never_every_node(manager, federation):
    with pytest.raises(ValueError, match="does not exist"):
        manager.filter_nodes({11, 21}, federation)
    with pytest.raises(ValueError, match="does not exist"):
        manager.has_node(11, federation)
    with pytest.raises(ValueError, match="does not exist"):
        manager.has_member(NOOP_FLWR_AID, federation)


def test_only_the_fl_apis_account_is_a_member(manager):
    assert manager.has_member(NOOP_FLWR_AID, federation_of(ONE))
    assert not manager.has_member("somebody", federation_of(ONE))


def test_a_trust_that_joins_later_is_seen_at_once(manager, tmp_path):
    writer = Store(tmp_path / "fl.db")  # the FL API is another process
    writer.put_node(ONE, "late", "key", 13)
    assert manager.has_node(13, federation_of(ONE))
    writer.close()


def test_no_run_is_a_simulation(manager):
    assert manager.get_simulation_config(federation_of(ONE)) is None


def test_flower_takes_it_for_its_own_manager(manager):
    assert isinstance(manager, NoOpFederationManager)

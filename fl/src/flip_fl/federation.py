"""Who may see what: one Flower federation per run, holding the nodes of that run alone."""

from typing import Any

from flwr.common.constant import NOOP_FLWR_AID, SUPERLINK_NODE_ID
from flwr.superlink.federation import NoOpFederationManager

from flip_fl.store import Store


class RunFederationManager(NoOpFederationManager):
    """Membership from the FL API's store. The default federation, which would hold every node, does not exist.

    It stays a `NoOpFederationManager` because the SuperLink resolves its default federation by that type.
    """

    def __init__(self, store: Store):
        super().__init__()
        self._store = store

    def _nodes(self, federation_id: str) -> set[int]:
        nodes = self._store.federation_nodes(federation_id)
        if nodes is None:
            raise ValueError(f"Federation '{federation_id}' does not exist.")
        return nodes

    def exists(self, federation_id: str) -> bool:
        return self._store.federation_nodes(federation_id) is not None

    def has_member(self, flwr_aid: str, federation_id: str) -> bool:
        self._nodes(federation_id)
        return flwr_aid == NOOP_FLWR_AID

    def filter_nodes(self, node_ids: set[int], federation_id: str) -> set[int]:
        return set(node_ids) & (self._nodes(federation_id) | {SUPERLINK_NODE_ID})

    def has_node(self, node_id: int, federation_id: str) -> bool:
        return node_id in self._nodes(federation_id)

    def get_simulation_config(self, federation_id: str) -> Any:
        return None

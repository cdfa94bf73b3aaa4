"""Helpers for Flower apps on FLIP; everything here is optional. Imports flwr, which the app has anyway."""

from flip.flower.clients import ClientIdentity, client_identity, min_clients_from_run_config, partition_cohort
from flip.flower.strategy import FlipFedAvg, FlipStrategyMixin

__all__ = [
    "ClientIdentity",
    "FlipFedAvg",
    "FlipStrategyMixin",
    "client_identity",
    "min_clients_from_run_config",
    "partition_cohort",
]

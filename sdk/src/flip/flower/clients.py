"""Who a client is, which rows it trains on in a local run, and how many clients a run has."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flwr.app import Context

from flip import protocol
from flip._environment import Mode, current_environment
from flip.errors import InvalidArgument, LocalDataMissing

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

UNKNOWN: Final = "unknown_client"
MIN_CLIENTS: Final = "flip-min-clients"


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """A client by name, and in a local run its place among the others.

    Attributes
    ----------
    name : on the platform the trust's registered name; what `send_metrics` takes as `client_name`.
    partition_id : from 0, below `num_partitions`; None on the platform, where each trust has data of its own.
    num_partitions : how many clients share the local data; None on the platform.
    """

    name: str
    partition_id: int | None
    num_partitions: int | None


def client_identity(context: Context) -> ClientIdentity:
    """Who this client is.

    Parameters
    ----------
    context : the one that Flower gives the ClientApp.

    Returns
    -------
    The name is `SUPERNODE_NAME`, else the node config's `name`, else `trust-<n>` of a local partition (from 1), else
    `unknown_client`.

    Raises
    ------
    InvalidArgument : the node config's `partition-id` is not below its `num-partitions`.
    """
    config = context.node_config
    partition, count = _whole(config, "partition-id"), _whole(config, "num-partitions")
    if partition is None or count is None:
        partition = count = None
    elif not 0 <= partition < count:
        raise InvalidArgument("The node config's partition-id must be from 0 and below num-partitions.")
    name = os.environ.get(protocol.ENV_SUPERNODE_NAME) or str(config.get("name") or "")
    if not name:
        name = UNKNOWN if partition is None else f"trust-{partition + 1}"
    return ClientIdentity(name, partition, count)


def partition_cohort(df: pd.DataFrame, context: Context, seed: int = 0) -> pd.DataFrame:
    """This client's rows of a cohort that all clients of a local run share.

    Parameters
    ----------
    df : (rows, columns), the same for every client.
    context : the one that Flower gives the ClientApp.
    seed : of the shuffle; the same seed gives the same rows, in every round and process.

    Returns
    -------
    Rows in their order in `df`, numbered from 0. The clients' slices share no row, together are all of `df`, and
    differ by at most one row in size. On the platform, and in a local run that gives each trust data of its own,
    `df` unchanged.

    Raises
    ------
    LocalDataMissing : fewer rows than clients (code `too_few_rows`).
    """
    if current_environment().mode is not Mode.LOCAL or os.environ.get(protocol.ENV_LOCAL_OWN_DATA):
        return df
    me = client_identity(context)
    if me.partition_id is None or me.num_partitions is None or me.num_partitions == 1:
        return df
    if len(df) < me.num_partitions:
        raise LocalDataMissing(
            f"The local cohort has {len(df)} row(s) for {me.num_partitions} clients. Add rows or use fewer clients.",
            code="too_few_rows",
        )
    order = list(range(len(df)))
    random.Random(seed).shuffle(order)
    return df.iloc[sorted(order[me.partition_id :: me.num_partitions])].reset_index(drop=True)


def min_clients_from_run_config(run_config: Mapping[str, Any], default: int = 2) -> int:
    """How many clients a round waits for: what to give a strategy as `min_train_nodes` and its like.

    Parameters
    ----------
    run_config : `context.run_config`. The platform sets `flip-min-clients` to the number of trusts of the run.
    default : where the key is not set.

    Raises
    ------
    InvalidArgument : not a whole number from 1.
    """
    count = _whole({MIN_CLIENTS: default, **run_config}, MIN_CLIENTS)
    if count is None or count < 1:
        raise InvalidArgument(f"{MIN_CLIENTS} must be a whole number from 1.")
    return count


def _whole(config: Mapping[str, Any], key: str) -> int | None:
    value = config.get(key)
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if not isinstance(value, float) or value == number else None

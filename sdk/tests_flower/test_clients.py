"""Who a client is, its rows in a local run, and how many clients there are."""

from typing import Any

import pandas as pd
import pytest
from flwr.app import Context, RecordDict

from flip import errors, protocol
from flip.flower import ClientIdentity, client_identity, min_clients_from_run_config, partition_cohort


def context(**node_config: Any) -> Context:
    config = {key.replace("_", "-"): value for key, value in node_config.items()}
    return Context(run_id=1, node_id=1, node_config=config, state=RecordDict(), run_config={})


@pytest.mark.parametrize(
    ("variable", "node_config", "identity"),
    [
        ("trust-alpha", {"name": "other"}, ClientIdentity("trust-alpha", None, None)),
        ("", {"name": "trust-beta"}, ClientIdentity("trust-beta", None, None)),
        ("", {"partition_id": 1, "num_partitions": 3}, ClientIdentity("trust-2", 1, 3)),
        ("a", {"partition_id": "1", "num_partitions": 3}, ClientIdentity("a", 1, 3)),
        ("", {"partition_id": 1}, ClientIdentity("unknown_client", None, None)),
        ("", {}, ClientIdentity("unknown_client", None, None)),
    ],
)
def test_identity(
    variable: str, node_config: dict[str, Any], identity: ClientIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(protocol.ENV_SUPERNODE_NAME, variable)
    assert client_identity(context(**node_config)) == identity


@pytest.mark.parametrize(("partition", "count"), [(3, 3), (-1, 3), (0, 0)])
def test_a_partition_that_is_none_is_told(partition: int, count: int) -> None:
    with pytest.raises(errors.InvalidArgument, match="num-partitions"):
        client_identity(context(partition_id=partition, num_partitions=count))


def test_slices_are_disjoint_complete_and_the_same_each_time() -> None:
    df = pd.DataFrame({"accession_id": [f"a{i}" for i in range(11)]})
    slices = [partition_cohort(df, context(partition_id=i, num_partitions=3)) for i in range(3)]
    assert sorted(pd.concat(slices)["accession_id"]) == sorted(df["accession_id"])
    assert [len(part) for part in slices] == [4, 4, 3]
    for i, part in enumerate(slices):
        pd.testing.assert_frame_equal(part, partition_cohort(df, context(partition_id=i, num_partitions=3)))
        assert list(part.index) == list(range(len(part)))
    other = partition_cohort(df, context(partition_id=0, num_partitions=3), seed=1)
    assert other["accession_id"].tolist() != slices[0]["accession_id"].tolist()
    assert slices[0]["accession_id"].tolist() == ["a2", "a7", "a8", "a10"]  # the same on every machine


def test_dtypes_survive() -> None:
    df = pd.DataFrame({"n": pd.array([1, None, 3], dtype="Int64"), "at": pd.to_datetime(["2021-01-01"] * 3)})
    assert list(partition_cohort(df, context(partition_id=0, num_partitions=2)).dtypes) == list(df.dtypes)


def test_the_cohort_of_a_trust_is_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    df = pd.DataFrame({"a": range(10)})
    assert partition_cohort(df, context()) is df
    assert partition_cohort(df, context(partition_id=0, num_partitions=1)) is df
    shared = context(partition_id=0, num_partitions=2)
    monkeypatch.setenv(protocol.ENV_LOCAL_OWN_DATA, "1")
    assert partition_cohort(df, shared) is df
    monkeypatch.delenv(protocol.ENV_LOCAL_OWN_DATA)
    for name, value in [(protocol.ENV_MODE, "client"), (protocol.ENV_URL, "http://x"), (protocol.ENV_RUN_TOKEN, "t")]:
        monkeypatch.setenv(name, value)
    assert partition_cohort(df, shared) is df


def test_fewer_rows_than_clients_are_told() -> None:
    with pytest.raises(errors.LocalDataMissing, match="2 row") as caught:
        partition_cohort(pd.DataFrame({"a": [1, 2]}), context(partition_id=0, num_partitions=3))
    assert caught.value.code == "too_few_rows"


def test_the_number_of_clients() -> None:
    assert min_clients_from_run_config({"flip-min-clients": 3}, 2) == 3
    assert min_clients_from_run_config({"flip-min-clients": "3"}, 2) == 3
    assert min_clients_from_run_config({}, 1) == 1
    assert min_clients_from_run_config({}) == 2


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "two", True, "", float("nan"), float("inf")])
def test_a_number_of_clients_that_is_none_is_told(wrong: Any) -> None:
    with pytest.raises(errors.InvalidArgument, match="flip-min-clients"):
        min_clients_from_run_config({"flip-min-clients": wrong}, 2)

"""What of a strategy object is kept, and that it comes back as it was."""

import json
import random
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord
from hypothesis import given
from hypothesis import strategies as st

from flip_fl.checkpoints.state import Captured, random_state, restore, restore_random


class Strategy:
    """Stands for an app's own: whatever attributes it has."""

    def __init__(self, **values: Any):
        vars(self).update(values)


class Odd:
    def __init__(self, value: int):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Odd) and other.value == self.value

    __hash__ = None


def through_json(strategy: Any, fresh: Any) -> Any:
    captured = Captured(strategy)
    restore(fresh, json.loads(json.dumps(captured.tree)), captured.tensors)
    return fresh


VALUES: dict[str, Any] = {
    "nothing": None,
    "truth": True,
    "number": 3,
    "fraction": 0.1,
    "huge": 2**80,
    "text": "ü\x00",
    "bytes": b"\x00\xff",
    "list": [1, [2.5, None], (3, "x")],
    "set": {1, 2},
    "frozen": frozenset({"a"}),
    "queue": deque([1, 2]),
    "by number": {1: "a", 2: ["b"]},
    "by pair": {(1, "x"): 2},
    "ordered": OrderedDict(b=1, a=2),
    "counter": Counter("aab"),
    "objects": [Odd(1), Odd(2)],
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_equal_and_of_its_type(name):
    back = through_json(Strategy(x=VALUES[name]), Strategy(x=0)).x
    assert back == VALUES[name]
    assert type(back) is type(VALUES[name])


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.integers() | st.text(), inner),
    max_leaves=20,
)


@given(json_like)
def test_whatever_is_made_of_plain_values_comes_back(value):
    assert through_json(Strategy(x=value), Strategy()).x == value


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "uint64", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_arrays_come_back_to_the_bit(dtype, shape):
    value = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    back = through_json(Strategy(m_t={"w": value}), Strategy(m_t=None)).m_t["w"]
    assert (back.dtype, back.shape, back.tobytes()) == (value.dtype, value.shape, value.tobytes())


def test_what_is_captured_does_not_change_with_the_strategy():
    strategy = Strategy(momentum=np.ones(3))
    captured = Captured(strategy)
    strategy.momentum += 1
    assert captured.tensors["0"].tolist() == [1, 1, 1]


def test_flowers_records_come_back():
    strategy = Strategy(
        arrays=ArrayRecord({"w": Array(np.arange(3.0))}),
        metrics=MetricRecord({"a": [1, 2]}),
        config=ConfigRecord({"b": b"x"}),
    )
    back = through_json(strategy, Strategy())
    assert back.arrays["w"].numpy().tolist() == [0, 1, 2]
    assert (dict(back.metrics), dict(back.config)) == ({"a": [1, 2]}, {"b": b"x"})


def test_an_object_inside_is_restored_in_place_and_what_is_no_state_is_left_alone():
    lock, hook = threading.Lock(), print
    old = Strategy(inner=Strategy(count=5, lock=lock), hook=hook)
    inner = Strategy(count=0, lock="the new one's")
    back = through_json(old, Strategy(inner=inner, hook="the new one's"))
    assert back.inner is inner
    assert (inner.count, inner.lock, back.hook) == (5, "the new one's", "the new one's")


def test_a_ring_of_objects_ends():
    strategy = Strategy(count=1)
    strategy.me = strategy
    assert through_json(strategy, Strategy(me=None)).count == 1


def test_what_cannot_be_kept_is_named():
    captured = Captured(Strategy(fine=1, generator=(n for n in [1])))
    assert captured.left_out == ["Strategy.generator"]


def test_a_default_of_a_dictionary_stays():
    back = through_json(Strategy(d=defaultdict(list, a=[1])), Strategy(d=defaultdict(list)))
    assert back.d["a"] == [1]
    assert back.d["new"] == []


def test_random_numbers_go_on_where_they_were():
    own, generator = random.Random(3), np.random.default_rng(3)
    own.random(), generator.random()
    kept = json.loads(json.dumps(random_state()))
    captured = Captured(Strategy(own=own, generator=generator))
    expected = [random.random(), np.random.rand(), own.random(), generator.random()]
    random.seed(9)
    np.random.seed(9)
    restore_random(kept)
    back = Strategy()
    restore(back, json.loads(json.dumps(captured.tree)), captured.tensors)
    assert [random.random(), np.random.rand(), back.own.random(), back.generator.random()] == expected

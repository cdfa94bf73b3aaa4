"""The state of a strategy object as JSON and tensors: whatever in it changes from round to round, of any strategy.

Only the app's own next process reads it back, behind the same wall, so a value of the app's own class may be a pickle.
"""

import base64
import logging
import pickle
import random
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord

Tensors = dict[str, np.ndarray]
LEFT_OUT = object()  # of a value that is not state: a function, a module, a connection
DEEPEST = 8  # objects within objects
INLINE_BYTES = 1024
NOT_STATE = (types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType, type, logging.Logger)
PLATFORM = ("flip", "flip_fl", "threading", "_thread", "logging", "httpx", "flwr.superlink", "flwr.serverapp.grid")
SEQUENCES: dict[type, str] = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset", deque: "deque"}
MAPPINGS: dict[type, str] = {dict: "dict", OrderedDict: "ordered", Counter: "counter", defaultdict: "default"}
RECORDS: dict[type, str] = {MetricRecord: "metrics", ConfigRecord: "config"}


class Captured:
    """`tree` is JSON; `tensors` belong to it; `left_out` names attributes whose value cannot be kept."""

    def __init__(self, strategy: Any):
        self.tensors: Tensors = {}
        self.left_out: list[str] = []
        self._path: list[int] = []
        self.tree = self._object(strategy, type(strategy).__name__)

    def _object(self, value: Any, name: str) -> dict[str, Any]:
        self._path.append(id(value))
        found: dict[str, Any] = {}
        for attribute, inner in vars(value).items():
            place = f"{name}.{attribute}"
            node = self._value(inner, place)
            if node is LEFT_OUT and _is_own_object(inner) and id(inner) not in self._path:
                node = ["object", self._object(inner, place)] if len(self._path) < DEEPEST else LEFT_OUT
            if node is not LEFT_OUT:
                found[attribute] = node
            elif not _is_not_state(inner):
                self.left_out.append(place)
        self._path.pop()
        return found

    def _value(self, value: Any, place: str) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return ["value", value]
        if kind is bytes:
            small = len(value) < INLINE_BYTES
            return (
                ["bytes", base64.b64encode(value).decode()]
                if small
                else ["blob", self._tensor(np.frombuffer(value, np.uint8))]
            )
        if kind is np.ndarray:
            return ["array", self._tensor(value)] if value.dtype.kind in "biuf" else _pickled(value)
        if isinstance(value, np.generic):
            return ["scalar", self._tensor(np.asarray(value))]
        if (torch := sys.modules.get("torch")) is not None and kind is torch.Tensor:
            return self._torch(value)
        if kind is Array:
            return ["flower_array", self._tensor(value.numpy())]
        if kind is ArrayRecord:
            return ["arrays", [[key, self._tensor(array.numpy())] for key, array in value.items()]]
        if kind in RECORDS:
            return [RECORDS[kind], [[key, self._value(inner, place)] for key, inner in value.items()]]
        if kind in SEQUENCES:
            return self._many(SEQUENCES[kind], [self._value(inner, place) for inner in value], value)
        if kind in MAPPINGS:
            pairs = [[self._value(key, place), self._value(inner, place)] for key, inner in value.items()]
            return self._many(MAPPINGS[kind], pairs, value)
        if kind is random.Random:
            return ["random", _pickle(value.getstate())]
        if kind is np.random.Generator:
            return ["generator", _pickle(value.bit_generator.state)]
        return LEFT_OUT

    def _many(self, kind: str, nodes: list[Any], value: Any) -> Any:
        """A container that holds something of another class is kept as one piece, if it can be."""
        flat = [part for node in nodes for part in (node if kind in MAPPINGS.values() else [node])]
        return [kind, nodes] if all(part is not LEFT_OUT for part in flat) else _pickled(value)

    def _torch(self, value: Any) -> Any:
        try:
            return ["torch", self._tensor(value.detach().cpu().numpy())]
        except TypeError:  # bfloat16 has no numpy type
            return _pickled(value)

    def _tensor(self, value: np.ndarray) -> str:
        name = str(len(self.tensors))
        self.tensors[name] = np.array(value, order="C", copy=True)  # the next round must not change it
        return name


def restore(strategy: Any, tree: dict[str, Any], tensors: Tensors) -> None:
    """Put captured state back into a strategy that the app has just made. What was not kept stays as it is."""
    for attribute, node in tree.items():
        kind, content = node
        existing = vars(strategy).get(attribute)
        if kind != "object":
            vars(strategy)[attribute] = _read(kind, content, tensors, existing)
        elif existing is not None and hasattr(existing, "__dict__"):
            restore(existing, content, tensors)


def _read(kind: str, content: Any, tensors: Tensors, existing: Any = None) -> Any:
    match kind:
        case "value":
            return content
        case "bytes":
            return base64.b64decode(content)
        case "blob":
            return tensors[content].tobytes()
        case "array":
            return tensors[content].copy()
        case "scalar":
            return tensors[content][()]
        case "torch":
            import torch

            return torch.from_numpy(tensors[content].copy())
        case "flower_array":
            return Array(tensors[content])
        case "arrays":
            return ArrayRecord({key: Array(tensors[name]) for key, name in content})
        case "metrics":
            return MetricRecord({key: _node(node, tensors) for key, node in content})
        case "config":
            return ConfigRecord({key: _node(node, tensors) for key, node in content})
        case "dict" | "ordered" | "counter" | "default":
            pairs = [(_node(key, tensors), _node(value, tensors)) for key, value in content]
            return _mapping(kind, pairs, existing)
        case "random":
            made = random.Random()
            made.setstate(_unpickle(content))
            return made
        case "generator":
            state = _unpickle(content)
            bits = getattr(np.random, state["bit_generator"])()
            bits.state = state
            return np.random.Generator(bits)
        case "pickle":
            return _unpickle(content)
        case _:
            make = next(sequence for sequence, name in SEQUENCES.items() if name == kind)
            return make(_node(node, tensors) for node in content)


def _node(node: list[Any], tensors: Tensors) -> Any:
    kind, content = node
    return _read(kind, content, tensors)


def _mapping(kind: str, pairs: list[tuple[Any, Any]], existing: Any) -> Any:
    if kind == "default":  # only the one that is there knows what it makes
        made: Any = defaultdict(getattr(existing, "default_factory", None))
        made.update(pairs)
        return made
    return {"dict": dict, "ordered": OrderedDict, "counter": lambda p: Counter(dict(p))}[kind](pairs)


def random_state() -> dict[str, str]:
    """Of the generators that strategies and apps share: nodes are sampled and noise is drawn with them."""
    state = {"random": _pickle(random.getstate()), "numpy": _pickle(np.random.get_state())}
    if (torch := sys.modules.get("torch")) is not None:
        state["torch"] = _pickle(torch.get_rng_state().numpy())
    return state


def restore_random(state: dict[str, str]) -> None:
    random.setstate(_unpickle(state["random"]))
    np.random.set_state(_unpickle(state["numpy"]))
    if "torch" in state and (torch := sys.modules.get("torch")) is not None:
        torch.set_rng_state(torch.from_numpy(_unpickle(state["torch"])))


def _is_not_state(value: Any) -> bool:
    module = getattr(type(value), "__module__", "")
    return isinstance(value, NOT_STATE) or callable(value) or module.startswith(PLATFORM)


def _is_own_object(value: Any) -> bool:
    return hasattr(value, "__dict__") and not _is_not_state(value)


def _pickled(value: Any) -> Any:
    try:
        return ["pickle", _pickle(value)]
    except Exception:  # noqa: BLE001  a stranger's class may raise anything
        return LEFT_OUT


def _pickle(value: Any) -> str:
    return base64.b64encode(pickle.dumps(value)).decode()


def _unpickle(text: str) -> Any:
    return pickle.loads(base64.b64decode(text))

"""The `update_status` calls of a file: which status each of them reports."""

import ast
from collections.abc import Iterator
from typing import Final

from flip_contracts.app_check.names import Names
from flip_contracts.statuses import ModelStatus

BAR: Final = (
    str(ModelStatus.INITIATED),
    str(ModelStatus.PREPARED),
    str(ModelStatus.TRAINING_STARTED),
    str(ModelStatus.RESULTS_UPLOADED),
)
UPLOADED: Final = BAR[-1]
_ALIASES: Final = {"RUNNING": str(ModelStatus.TRAINING_STARTED)}
_KNOWN: Final = frozenset(ModelStatus) | _ALIASES.keys()
_METHOD: Final = "update_status"


def is_status_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == _METHOD


def is_handed_on(nodes: tuple[ast.AST, ...]) -> bool:
    """Whether `update_status` is used without being called on the spot: what it reports is then unknown."""
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return any(isinstance(node, ast.Attribute) and node.attr == _METHOD and id(node) not in called for node in nodes)


def status_of(call: ast.Call, names: Names) -> str | None:
    """The status's name, "" for one that does not exist, None for one that is computed at run time."""
    given = [*call.args[1:2], *[k.value for k in call.keywords if k.arg == "new_model_status"]]
    if not given:
        return None
    name = _name_of(names.value_of(given[0]), names)
    return None if name is None else _ALIASES.get(name, name) if name in _KNOWN else ""


def _name_of(node: ast.expr, names: Names) -> str | None:
    match node:
        case ast.Attribute(attr="value" | "name"):
            return _name_of(names.value_of(node.value), names)
        case ast.Attribute():
            return node.attr if node.attr in _KNOWN else None
        case ast.Constant(value=str(text)):
            return text
        case ast.Subscript(slice=ast.Constant(value=str(text))) | ast.Call(args=[ast.Constant(value=str(text))]):
            return text if text in _KNOWN else None
        case _:
            return None


def calls_in_order(node: ast.AST) -> Iterator[tuple[ast.Call, bool]]:
    """The calls of an expression or simple statement, and whether each may be left out (`a and f()`)."""
    yield from sorted(_calls(node, False), key=lambda pair: (pair[0].lineno, pair[0].col_offset))


def _calls(node: ast.AST, maybe: bool) -> Iterator[tuple[ast.Call, bool]]:
    if isinstance(node, ast.Lambda):
        maybe = True
    if isinstance(node, ast.Call):
        yield node, maybe
    for child in ast.iter_child_nodes(node):
        branch = (isinstance(node, ast.IfExp) and child is not node.test) or (
            isinstance(node, ast.BoolOp) and child is not node.values[0]
        )
        yield from _calls(child, maybe or branch)

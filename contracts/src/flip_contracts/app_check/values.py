"""Numbers that are known before a run: written, computed from written ones, or declared in the run config."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Final

from flip_contracts.app_check.names import Names

_OPERATORS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
}
_LARGEST: Final = 1e15


def number_of(node: ast.expr, names: Names, config: Mapping[str, object]) -> float | None:
    """Of an expression such as `2`, `60 * 60`, `WAIT` or `int(run_config.get("wait", 60))`; else None."""
    node = names.value_of(node)
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            value = node.value
            return value if isinstance(value, int | float) and abs(value) < _LARGEST else None
        case ast.BinOp() if type(node.op) in _OPERATORS:
            left, right = number_of(node.left, names, config), number_of(node.right, names, config)
            if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
                return None
            return _OPERATORS[type(node.op)](left, right)
        case ast.Call(func=ast.Name(id="int" | "float"), args=[inner]):
            return number_of(inner, names, config)
        case ast.Call(func=ast.Attribute(value=base, attr="get"), args=[ast.Constant(value=str(key)), *default]):
            if not _is_run_config(base, names):
                return None
            declared = _declared(key, config)
            return number_of(default[0], names, config) if declared is None and default else declared
        case ast.Subscript(value=base, slice=ast.Constant(value=str(key))) if _is_run_config(base, names):
            return _declared(key, config)
        case _:
            return None


def _is_run_config(node: ast.expr, names: Names) -> bool:
    node = names.value_of(node)
    return (isinstance(node, ast.Attribute) and node.attr == "run_config") or (
        isinstance(node, ast.Name) and node.id == "run_config"
    )


def _declared(key: str, config: Mapping[str, object]) -> float | None:
    value = config.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None

"""What a run may override: declared keys, with values of the declared type."""

import difflib
import math
from collections.abc import Mapping
from typing import Final, cast

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.project import PYPROJECT

RESERVED_KEYS: Final = frozenset({"flip-model-id", "flip-project-id", "flip-cohort-query", "flip-min-clients"})


def check_overrides(config: Mapping[str, object], overrides: Mapping[str, object]) -> list[Finding]:
    """`config`: [tool.flwr.app.config]. Both may be nested, or flat with dots as Flower writes them."""
    declared, wanted = flat(config), flat(overrides)
    findings: list[Finding] = []
    for key, value in sorted(wanted.items()):
        if key in RESERVED_KEYS:
            message, remedy = f"{key} is set by the platform.", f"Leave {key} out of the overrides."
            findings.append(found("run_config_key_reserved", message, remedy))
        elif key not in declared:
            near = difflib.get_close_matches(key, declared, 1)
            findings.append(
                found(
                    "run_config_key_undeclared",
                    f"{key} is not declared in [tool.flwr.app.config]; Flower refuses the run.",
                    f"Did you mean {near[0]}?" if near else "Declare it there with a default, or leave it out.",
                    PYPROJECT,
                )
            )
        elif not _fits(value, declared[key]):
            kind = type(declared[key]).__name__
            findings.append(
                found(
                    "run_config_type_wrong",
                    f"{key} is declared as {kind}, and the override is {type(value).__name__}.",
                    f"Give a finite {kind}." if kind == "float" else f"Give a value of type {kind}.",
                    PYPROJECT,
                )
            )
    return findings


def flat(config: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested tables as Flower's dotted keys."""
    result: dict[str, object] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            result |= flat(cast("Mapping[str, object]", value), f"{prefix}{key}.")
        else:
            result[prefix + key] = value
    return result


def _fits(value: object, declared: object) -> bool:
    """An int is fine where a float is declared; a bool is not an int."""
    if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, str) and "\x00" in value):
        return False
    if type(declared) is float:
        return type(value) in (int, float)
    return type(value) is type(declared)

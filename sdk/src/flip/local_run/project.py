"""An app's pyproject.toml as a local run needs it: components, and the run config with overrides and FLIP's keys."""

from __future__ import annotations

import re
import tomllib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flip.errors import FlipError

Scalar = str | int | float | bool
MIN_CLIENTS: Final = "flip-min-clients"
_PAIR: Final = re.compile(r"""\s*([^\s=]+)=("(?:[^"\\]|\\.)*"|'[^']*'|\S+)\s*""")
_REFERENCE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True)
class Project:
    """`server` and `client` are references as Flower writes them: `app.server_app:app`."""

    root: Path
    name: str
    server: str
    client: str
    config: dict[str, Scalar]  # flattened: nested tables become dotted keys


def read_project(root: Path) -> Project:
    """Raises FlipError: `pyproject_missing`, `pyproject_unparsable`, `component_invalid`, `config_not_scalar`."""
    root = root.resolve()
    file = root / "pyproject.toml"
    if not file.is_file():
        raise FlipError(
            f"There is no pyproject.toml in {root}. Name the app's folder; `flip app new NAME` makes one.",
            code="pyproject_missing",
        )
    try:
        toml = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FlipError(f"{file} cannot be read: {error}. Correct it.", code="pyproject_unparsable") from None
    app = _table(toml, "tool", "flwr", "app")
    components = _table(app, "components")
    references: list[str] = []
    for kind in ("serverapp", "clientapp"):
        value = components.get(kind)
        if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
            example = f'{kind} = "app.{kind.removesuffix("app")}_app:app"'
            raise FlipError(
                f"[tool.flwr.app.components] of pyproject.toml needs {kind} as module:attribute, such as {example}.",
                code="component_invalid",
            )
        references.append(value)
    name = str(_table(toml, "project").get("name", root.name))
    return Project(root, name, references[0], references[1], _flattened(_table(app, "config")))


def parse_overrides(texts: Iterable[str]) -> dict[str, Scalar]:
    """`k=1 s="a b"` as a dict; values are TOML. Raises FlipError `run_config_invalid`."""
    found: dict[str, Scalar] = {}
    for text in texts:
        at = 0
        while at < len(text):
            pair = _PAIR.match(text, at)
            if pair is None:
                raise _not_understood(text[at:].strip())
            try:
                value = tomllib.loads(f"value = {pair[2]}")["value"]
            except tomllib.TOMLDecodeError:
                raise _not_understood(pair[0].strip()) from None
            if not isinstance(value, str | int | float | bool):
                raise _not_understood(pair[0].strip())
            found[pair[1].strip("\"'")] = value
            at = pair.end()
    return found


def fused_config(declared: Mapping[str, Scalar], overrides: Mapping[str, Scalar], trusts: int) -> dict[str, Scalar]:
    """What `context.run_config` holds: declared defaults, overrides, and FLIP's keys as the platform injects them.

    Raises FlipError `run_config_key_undeclared` or `run_config_type_invalid`.
    """
    injected: dict[str, Scalar] = {
        "flip-model-id": str(uuid.uuid4()),
        "flip-project-id": str(uuid.uuid4()),
        "flip-cohort-query": declared.get("flip-cohort-query", "*"),
        MIN_CLIENTS: trusts,
    }
    undeclared = sorted(set(overrides) - set(declared) - set(injected))
    if undeclared:
        raise FlipError(
            f"--run-config sets {', '.join(undeclared)}, which [tool.flwr.app.config] of pyproject.toml does not "
            f"declare. Flower only overrides declared keys. Declared: {', '.join(sorted(declared)) or 'none'}.",
            code="run_config_key_undeclared",
            details={"keys": undeclared, "declared": sorted(declared)},
        )
    fused = {**declared, **injected}
    for key, value in overrides.items():
        fused[key] = _fitting(key, value, fused[key])
    return fused


def _fitting(key: str, value: Scalar, default: Scalar) -> Scalar:
    """`value` in the type of the default. A whole number stands for a float; nothing else is converted."""
    if type(value) is type(default):
        return value
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    hint = f'{key}="{value}"' if isinstance(default, str) else f"{key}={default!r}".replace("'", '"')
    raise FlipError(
        f"--run-config sets {key} to {value!r} ({_name(value)}), but its default in pyproject.toml is "
        f"{default!r} ({_name(default)}). Write it like {hint}.",
        code="run_config_type_invalid",
        details={"key": key},
    )


def _name(value: Scalar) -> str:
    return {"str": "text", "int": "whole number", "float": "number", "bool": "truth value"}[type(value).__name__]


def _not_understood(part: str) -> FlipError:
    return FlipError(
        f"--run-config cannot be read at: {part}. Write key=value pairs, texts in quotes: 'rounds=2 name=\"a b\"'.",
        code="run_config_invalid",
    )


def _flattened(table: Mapping[str, Any], prefix: str = "") -> dict[str, Scalar]:
    flat: dict[str, Scalar] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flattened(value, f"{prefix}{key}.")
        elif isinstance(value, str | int | float | bool):
            flat[f"{prefix}{key}"] = value
        else:
            raise FlipError(
                f"[tool.flwr.app.config] {prefix}{key} is not a text, number or truth value; Flower takes no lists. "
                "Write it as a text and split it in the app.",
                code="config_not_scalar",
            )
    return flat


def _table(toml: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A nested table, or an empty one where something else is in its place."""
    found: Any = toml
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}

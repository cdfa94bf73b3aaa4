"""Rules of pyproject.toml. Flower checks some; the others keep a run's folders where they belong."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from packaging.version import InvalidVersion, Version

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.run_config import flatten

PYPROJECT: Final = "pyproject.toml"
FLIP_KEYS: Final = {"flip-model-id": '"uuid"', "flip-project-id": '"uuid"', "flip-cohort-query": '"*"'}
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
_COMPONENTS: Final = "tool.flwr.app.components"
_TOML_LINE: Final = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class Component:
    kind: str  # serverapp or clientapp
    module: str
    attribute: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Project:
    components: tuple[Component, ...]
    config: Mapping[str, object]  # the declared run config, nested tables as dotted keys
    fab_patterns: Mapping[str, object]  # fab-include and fab-exclude as they are written
    staged: Mapping[str, object]  # [tool.flip.files] as it is written


def check_pyproject(files: Mapping[str, bytes]) -> tuple[Project | None, list[Finding]]:
    raw = files.get(PYPROJECT)
    if raw is None:
        return None, [
            found(
                "pyproject_missing",
                "There is no pyproject.toml at the app's root.",
                "Start from templates/standard, or upload the file itself and not the folder it is in.",
                PYPROJECT,
            )
        ]
    try:
        text = raw.decode("utf-8")
        toml = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as exc:
        place = _TOML_LINE.search(str(exc))
        reason = str(exc) if isinstance(exc, tomllib.TOMLDecodeError) else "it is not plain UTF-8 TOML"
        return None, [
            found(
                "pyproject_unparsable",
                f"pyproject.toml cannot be read: {reason}.",
                "Correct the TOML.",
                PYPROJECT,
                int(place[1]) if place else None,
            )
        ]
    app = _table(toml, "tool", "flwr", "app")
    components, findings = _components(app, text)
    findings += _identity(toml, app, text)
    findings += _config(app, text)
    patterns = {key: app[key] for key in ("fab-include", "fab-exclude") if key in app}
    config, staged = flatten(_table(app, "config")), _table(toml, "tool", "flip", "files")
    return Project(tuple(components), config, patterns, staged), findings


def declared_config(pyproject: bytes) -> dict[str, object]:
    """The run config that an app declares, nested tables as dotted keys; empty if the file cannot be read."""
    project, _ = check_pyproject({PYPROJECT: pyproject})
    return dict(project.config) if project else {}


def _identity(toml: dict[str, Any], app: dict[str, Any], text: str) -> Iterator[Finding]:
    project = _table(toml, "project")
    name, version, publisher = project.get("name"), project.get("version"), app.get("publisher")
    for key, value, table in (("name", name, "project"), ("publisher", publisher, "tool.flwr.app")):
        if value is None:
            yield found(f"{key}_missing", f"[{table}] has no {key}.", f'Add {key} = "my-app".', PYPROJECT)
        elif not isinstance(value, str) or not _NAME.fullmatch(value):
            yield found(
                f"{key}_invalid",
                f"The {key} must start with a letter and have at most 32 letters, digits and hyphens.",
                f'For example: {key} = "my-app" (no underscore, no dot, no slash).',
                PYPROJECT,
                _line(text, key, table),
            )
    if version is None:
        yield found("version_missing", "[project] has no version.", 'Add version = "1.0.0".', PYPROJECT)
    elif not isinstance(version, str) or not _is_version(version):
        yield found(
            "version_invalid",
            "The version is not a version of PEP 440.",
            'For example: version = "1.0.0".',
            PYPROJECT,
            _line(text, "version", "project"),
        )


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _components(app: dict[str, Any], text: str) -> tuple[list[Component], list[Finding]]:
    table = _table(app, "components")
    components: list[Component] = []
    findings: list[Finding] = []
    if "agentapp" in table:
        findings.append(
            found(
                "agentapp_refused",
                "FLIP runs a ServerApp and ClientApps; an AgentApp is not started.",
                "Remove agentapp from [tool.flwr.app.components].",
                PYPROJECT,
                _line(text, "agentapp", _COMPONENTS),
            )
        )
    for kind in ("serverapp", "clientapp"):
        value = table.get(kind)
        if value is None:
            findings.append(
                found(
                    "component_missing",
                    f"[tool.flwr.app.components] has no {kind}.",
                    f'Add {kind} = "app.{kind.removesuffix("app")}_app:app".',
                    PYPROJECT,
                )
            )
            continue
        match = re.fullmatch(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)", value) if isinstance(value, str) else None
        if match is None:
            findings.append(
                found(
                    "component_invalid",
                    f"{kind} must be written as module:attribute.",
                    f'For example: {kind} = "app.{kind.removesuffix("app")}_app:app".',
                    PYPROJECT,
                    _line(text, kind, _COMPONENTS),
                )
            )
            continue
        components.append(Component(kind, match[1], match[2].split(".")[0], _line(text, kind, _COMPONENTS)))
    return components, findings


def _config(app: dict[str, Any], text: str) -> Iterator[Finding]:
    flat = flatten(_table(app, "config"))
    for key, value in flat.items():
        if not isinstance(value, str | int | float | bool):
            yield found(
                "config_not_scalar",
                f"The run-config value {key} is not a text, number or truth value.",
                "Write it as a text and split it in the app.",
                PYPROJECT,
                _line(text, key, "tool.flwr.app.config"),
            )
    for key, placeholder in FLIP_KEYS.items():
        if key not in flat:
            yield found(
                "flip_key_undeclared",
                f"{key} is not declared in [tool.flwr.app.config]; FLIP adds it for the run.",
                f"Declare {key} = {placeholder} so that the app runs locally, too.",
                PYPROJECT,
            )


def _table(toml: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A nested table, or an empty one where something else is in its place."""
    for key in keys:
        value: Any = toml.get(key)
        if not isinstance(value, dict):
            return {}
        toml = cast("dict[str, Any]", value)
    return toml


def _line(text: str, key: str, table: str) -> int | None:
    """The line of `key` in `[table]`, or of the dotted form in a table above it."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            current = header[1].replace('"', "").replace(" ", "")
        written = re.match(r"""\s*([\w."'-]+)\s*=""", line)
        if written and f"{current}.{written[1]}".replace('"', "").replace("'", "") == f"{table}.{key}":
            return number
    return None

"""Files that Flower's bundle cannot hold: weights, arrays, tables. The hub keeps them with the model.

`[tool.flip.files]` of pyproject.toml says where each is to go, by patterns as in .gitignore: `server` beside the
ServerApp, `clients` to each trust beside its ClientApp. A run brings them there by content hash.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from flip_contracts.app_check.fab import Filter
from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.gitignore import Patterns
from flip_contracts.app_check.project import PYPROJECT, Project, check_pyproject

PLACES: Final = ("server", "clients")


def staged_files(pyproject: bytes, paths: Iterable[str]) -> dict[str, frozenset[str]]:
    """Where each file that is not in the bundle goes, by its path. A file that nothing names goes nowhere."""
    project, _ = check_pyproject({PYPROJECT: pyproject})
    listed = list(paths)
    chosen, _ = Filter.of(dict.fromkeys(listed, b""), project)
    outside = [path for path in listed if chosen.why_dropped(path) is not None]
    return {path: places for path, places in check_staged(project, outside)[0].items() if places}


def check_staged(project: Project | None, outside: list[str]) -> tuple[dict[str, frozenset[str]], list[Finding]]:
    """`outside`: paths that the bundle leaves out."""
    table: Mapping[str, object] = project.staged if project else {}
    places: dict[str, set[str]] = {path: set() for path in outside}
    findings: list[Finding] = []
    for key, value in table.items():
        if key not in PLACES:
            findings.append(_invalid(f"{key} is no place; there are {' and '.join(PLACES)}."))
            continue
        texts = cast("list[object]", value) if isinstance(value, list) else []
        if not texts or not all(isinstance(text, str) and text for text in texts):
            findings.append(_invalid(f"{key} is not a list of patterns."))
            continue
        for text in map(str, texts):
            try:
                matching = [path for path in outside if Patterns.of([text]).match(path)]
            except ValueError as exc:
                findings.append(_invalid(f"In {key} {exc}."))
                continue
            if not matching:
                message = f'The pattern "{text}" of {key} matches no file that is left out of the bundle.'
                remedy = "Upload the file, or correct the pattern. A file in the bundle needs no place."
                findings.append(found("staged_file_missing", message, remedy, PYPROJECT))
            for path in matching:
                places[path].add(key)
    return {path: frozenset(chosen) for path, chosen in places.items()}, findings


def _invalid(message: str) -> Finding:
    remedy = 'Write for example: server = ["weights/*.safetensors"].'
    return found("staged_files_invalid", f"In [tool.flip.files] {message}", remedy, PYPROJECT)

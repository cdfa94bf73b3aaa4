"""Read an app's folder: what Flower's bundle (FAB) would take, and what stays behind and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flip.errors import FlipError


@dataclass(frozen=True)
class AppFolder:
    """`kept`: path relative to the folder → content. `dropped`: path → reason; a folder's path ends in `/`."""

    kept: dict[str, bytes] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)


def read_app(root: Path) -> AppFolder:
    """Raises FlipError `pyproject_missing` or `app_too_large`. Dropped files are not opened, whatever their size."""
    from flip_contracts.app_check.fab import MAX_FAB_BYTES, why_dropped

    if not (root / "pyproject.toml").is_file():
        raise FlipError(
            f"There is no pyproject.toml in {root}. Name the app's folder; `flip app new NAME` makes one.",
            code="pyproject_missing",
        )
    ignored = _ignored_by_git(root)
    app = AppFolder()
    size = 0
    for path, why in _walk(root):
        relative = path.relative_to(root).as_posix() + ("/" if path.is_dir() and why else "")
        why = why or ("it is in .gitignore" if ignored(relative) else why_dropped(relative))
        if why:
            app.dropped[relative] = why
            continue
        size += path.stat().st_size
        if size > MAX_FAB_BYTES:
            raise FlipError(
                f"The app is larger than the {MAX_FAB_BYTES // 2**20} MiB that Flower takes: {relative} does not fit. "
                "Name what is not code in .gitignore, or move it out of the folder.",
                code="app_too_large",
            )
        app.kept[relative] = path.read_bytes()
    return app


def _walk(root: Path) -> Iterator[tuple[Path, str | None]]:
    """Every file, and every folder that is not entered, each with the reason if it stays behind for its place."""
    from flip_contracts.app_check.fab import DROPPED_ROOTS

    for folder, folders, files in os.walk(root):
        here = Path(folder)
        for name in sorted(folders):
            path, why = here / name, None
            if path.is_symlink():
                why = "Flower follows no links"
            elif name.startswith("."):
                why = "hidden files and folders are left out"
            elif name == "__pycache__":
                why = "compiled files are left out"
            elif here == root and name in DROPPED_ROOTS:
                why = f"the folder {name}/ at the root is left out"
            if why:
                folders.remove(name)
                yield path, why
        folders.sort()
        for name in sorted(files):
            path = here / name
            if path.is_symlink():
                yield path, "Flower follows no links"
            elif name.startswith("."):
                yield path, "hidden files and folders are left out"
            else:
                yield path, None


def _ignored_by_git(root: Path):
    """Flower reads the root's .gitignore only, with this library."""
    file = root / ".gitignore"
    if not file.is_file():
        return lambda path: False
    import pathspec

    return pathspec.GitIgnoreSpec.from_lines(file.read_text(encoding="utf-8").splitlines()).match_file

"""What Flower's bundle (FAB) takes, drops without a word, or refuses (flwr 1.42, `flwr.cli.build`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.gitignore import Patterns
from flip_contracts.app_check.project import PYPROJECT, Project

GITIGNORE: Final = ".gitignore"
MAX_FAB_BYTES: Final = 10 * 2**20  # entries are stored uncompressed
MAX_DEPTH: Final = 10
KEPT_SUFFIXES: Final = frozenset({".py", ".toml", ".md", ".yaml", ".yml", ".json", ".jsonl"})
_PACKAGING: Final = ("build", "eggs", ".eggs", "lib", "lib64", "parts")
_ENVIRONMENTS: Final = ("env", "venv", "ENV", ".venv", "env.bak", "venv.bak", ".flwr")
DROPPED_ROOTS: Final = frozenset({*_PACKAGING, *_ENVIRONMENTS})  # deeper down they are taken


@dataclass(frozen=True, slots=True)
class Filter:
    """What of an app's files the bundle takes."""

    ignored: Patterns
    include: Patterns | None = None
    exclude: Patterns | None = None

    @classmethod
    def of(cls, files: Mapping[str, bytes], project: Project | None) -> tuple["Filter", list[Finding]]:
        findings: list[Finding] = []
        try:  # Flower takes an unreadable .gitignore as an empty one
            ignored = Patterns.of(files.get(GITIGNORE, b"").decode("utf-8").splitlines())
        except ValueError:
            ignored = Patterns.of(())
        paths = [path for path in files if _why_suffix(path) is None and not ignored.match(path)]
        chosen: dict[str, Patterns | None] = {}
        wanted: Mapping[str, object] = project.fab_patterns if project else {}
        for key, value in wanted.items():
            patterns, bad = _patterns(key, value, paths)
            findings += bad
            chosen[key] = patterns
        return cls(ignored, chosen.get("fab-include"), chosen.get("fab-exclude")), findings

    def why_dropped(self, path: str) -> str | None:
        """Why a file does not come along, or None if it does."""
        why = _why_suffix(path) or _why_place(path)
        if why is None and path != PYPROJECT:
            why = self.why_not_wanted(path)
        return why

    def why_not_wanted(self, path: str) -> str | None:
        """Why the app's own patterns leave a file out, or None."""
        if self.ignored.match(path):
            return "the root's .gitignore leaves it out"
        if self.exclude and self.exclude.match(path):
            return "fab-exclude leaves it out"
        if self.include and not self.include.match(path):
            return "fab-include does not name it"
        return None


def _patterns(key: str, value: object, paths: list[str]) -> tuple[Patterns | None, list[Finding]]:
    def refused(message: str) -> tuple[None, list[Finding]]:
        return None, [found("fab_pattern_invalid", message, "Correct the pattern or remove it.", PYPROJECT)]

    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):  # pyright: ignore[reportUnknownVariableType]
        return refused(f"{key} is not a list of patterns.")
    texts = [str(text) for text in value]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    try:
        unmatched = [text for text in texts if not any(map(Patterns.of([text]).match, paths))]
        if unmatched:
            return refused(f'The pattern "{unmatched[0]}" of {key} matches no file.')
        return Patterns.of(texts), []
    except ValueError as exc:
        return refused(f"In {key} {exc}.")


def _why_suffix(path: str) -> str | None:
    if path == "LICENSE" or PurePosixPath(path).suffix in KEPT_SUFFIXES:
        return None
    return f"only {' '.join(sorted(KEPT_SUFFIXES))} files are taken"


def _why_place(path: str) -> str | None:
    pure = PurePosixPath(path)
    if "__pycache__" in pure.parts:
        return "compiled files are left out"
    if any(part.endswith(".egg") for part in pure.parts):
        return "eggs are left out"
    if len(pure.parts) > 1 and pure.parts[0] in DROPPED_ROOTS:
        return f"the folder {pure.parts[0]}/ at the root is left out"
    if pure.suffix == ".py" and (pure.name.startswith("test_") or pure.name.endswith("_test.py")):
        return "test files are left out"
    return None


def check_files(files: Mapping[str, bytes], chosen: Filter, staged: set[str]) -> list[Finding]:
    """`staged`: paths that travel outside the bundle."""
    findings: list[Finding] = []
    size = 0
    for path, content in files.items():
        parts = PurePosixPath(path).parts
        if path.startswith("/") or "\\" in path or ".." in parts or "\0" in path or not parts:
            message = "A file's path leaves the app's folder."
            findings.append(found("path_invalid", message, "Use paths relative to the folder of pyproject.toml.", path))
            continue
        if chosen.why_dropped(path) is None:
            size += len(content)
            if len(parts) > MAX_DEPTH:
                message = f"The path has {len(parts)} levels; Flower takes {MAX_DEPTH}."
                findings.append(found("path_too_deep", message, "Move the file up.", path))
        if path not in staged:
            findings += _dropped(path, chosen)
    if size > MAX_FAB_BYTES:
        message = f"The app has {size / 2**20:.1f} MiB; Flower takes {MAX_FAB_BYTES // 2**20} MiB."
        findings.append(found("app_too_large", message, "Remove large files."))
    return findings


def _dropped(path: str, chosen: Filter) -> Iterator[Finding]:
    why = chosen.why_dropped(path)
    if why is None or chosen.why_not_wanted(path) or _is_expected(path):
        return
    yield found(
        "file_dropped",
        f"This file does not come along: {why}.",
        "Remove it, or rename or move it if the app needs it. Data belong in the cohort; "
        "weights go along as JSON, as in the template `evaluation`.",
        path,
    )


def _is_expected(path: str) -> bool:
    """Nobody wants these in a run: .gitignore, compiled files, the app's tests in their folder, the cohort query."""
    parts = PurePosixPath(path).parts
    tests = parts[0] in ("tests", "test") and parts[-1].endswith(".py")
    return path == GITIGNORE or path.endswith(".sql") or "__pycache__" in parts or tests

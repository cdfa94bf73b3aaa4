"""What Flower's bundle (FAB) takes, drops without a word, or refuses (flwr 1.42, `flwr.cli.build`)."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from flip_contracts.app_check.finding import Finding, error, warning

MAX_FAB_BYTES: Final = 10 * 2**20  # entries are stored uncompressed
MAX_DEPTH: Final = 10
KEPT_SUFFIXES: Final = frozenset({".py", ".toml", ".md", ".yaml", ".yml", ".json", ".jsonl"})
DROPPED_ROOTS: Final = frozenset({"build", "eggs", "lib", "lib64", "parts", "env", "venv", "ENV", ".venv", ".flwr"})


def why_dropped(path: str) -> str | None:
    """Why a file does not come along, or None if it does."""
    pure = PurePosixPath(path)
    if path == "LICENSE":
        return None
    if "__pycache__" in pure.parts:
        return "compiled files are left out"
    if len(pure.parts) > 1 and pure.parts[0] in DROPPED_ROOTS:
        return f"the folder {pure.parts[0]}/ at the root is left out"
    if pure.suffix not in KEPT_SUFFIXES:
        kept = " ".join(sorted(KEPT_SUFFIXES))
        return f"only {kept} files are taken"
    if pure.suffix == ".py" and (pure.name.startswith("test_") or pure.name.endswith("_test.py")):
        return "test files are left out"
    return None


def check_files(files: Mapping[str, bytes]) -> list[Finding]:
    findings: list[Finding] = []
    size = 0
    for path, content in files.items():
        parts = PurePosixPath(path).parts
        if path.startswith("/") or "\\" in path or ".." in parts or "\0" in path or not parts:
            findings.append(
                error(
                    "path_invalid",
                    "A file's path leaves the app's folder.",
                    "Use paths relative to the folder of pyproject.toml.",
                    path,
                )
            )
            continue
        if len(parts) > MAX_DEPTH:
            findings.append(
                error(
                    "path_too_deep",
                    f"The path has {len(parts)} levels; Flower takes {MAX_DEPTH}.",
                    "Move the file up.",
                    path,
                )
            )
        why = why_dropped(path)
        if why is None:
            size += len(content)
        elif path != ".gitignore":  # expected at the root, and never wanted in a run
            findings.append(
                warning(
                    "file_dropped",
                    f"This file does not come along: {why}.",
                    "Remove it, or rename or move it if the app needs it. Data belong in the cohort; "
                    "weights can be stored in the app's own format at the end of a run.",
                    path,
                )
            )
    if size > MAX_FAB_BYTES:
        findings.append(
            error(
                "app_too_large",
                f"The app has {size / 2**20:.1f} MiB; Flower takes {MAX_FAB_BYTES // 2**20} MiB.",
                "Remove large files.",
            )
        )
    return findings

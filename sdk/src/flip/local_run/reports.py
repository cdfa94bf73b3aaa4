"""The folder of one local run, `flip-local/<time>/`, and what the SDK reports into it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

ROOT: Final = "flip-local"
MODEL: Final = "model.npz"
SUMMARY: Final = "run.json"
KINDS: Final = ("status", "metrics", "exceptions")


def new_folder(base: Path) -> Path:
    """A fresh `flip-local/<time>/` below `base`; a second run within one second gets a number."""
    stem = base / ROOT / time.strftime("%Y%m%d-%H%M%S")
    folder, number = stem, 1
    while folder.exists():
        number += 1
        folder = stem.with_name(f"{stem.name}-{number}")
    folder.mkdir(parents=True)
    return folder


def latest_folder(base: Path) -> Path | None:
    """The newest run below `base/flip-local`, by time of writing."""
    folders = [path for path in (base / ROOT).glob("*/") if (path / "metrics.jsonl").is_file()]
    return max(folders, key=lambda path: (path / "metrics.jsonl").stat().st_mtime, default=None)


class Tail:
    """New lines of a run's reports since the last look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets = dict.fromkeys(KINDS, 0)

    def new(self) -> list[tuple[str, dict[str, Any]]]:
        found: list[tuple[str, dict[str, Any]]] = []
        for kind in KINDS:
            path = self._folder / f"{kind}.jsonl"
            if not path.is_file():
                continue
            with path.open("rb") as file:
                file.seek(self._offsets[kind])
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # still being written
                    self._offsets[kind] += len(line)
                    found.append((kind, json.loads(line)))
        return found

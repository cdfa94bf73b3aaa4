"""What a ServerApp prints is read by people of the project: folders of this machine are not their business."""

import re
import sys
from pathlib import Path
from typing import Final

import flip_fl

APP: Final = r"/app/flwr/apps/[^/\s]+/"  # where Flower unpacks a FAB: what follows is a path in the app


class Folders:
    def __init__(self, runs: Path):
        """`runs`: the folder with a folder for each run."""
        run = rf"{re.escape(str(runs))}/[0-9a-f-]{{36}}"
        packages = r"/lib/python3\.\d+/(?:site-packages/)?"
        pythons = "|".join(re.escape(prefix) for prefix in {sys.prefix, sys.base_prefix})
        ours = re.escape(str(Path(flip_fl.__file__).parents[1]))
        self._hidden = [
            (re.compile(run + APP), ""),
            (re.compile(rf"{run}/(?:app/)?"), ""),
            (re.compile(rf"(?:{pythons}){packages}"), ""),
            (re.compile(rf"{ours}/"), ""),
            (re.compile(re.escape(str(runs.parent))), "…"),
        ]

    def hide(self, text: str) -> str:
        """Paths in the app and in packages, relative; none of where they lie."""
        if "/" not in text:
            return text
        for known, instead in self._hidden:
            text = known.sub(instead, text)
        return text

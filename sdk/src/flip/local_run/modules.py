"""Module state as on the platform: the ServerApp has its own, and a ClientApp starts afresh with every message.

On the platform each message gets a new process. Here the app's own modules are imported anew instead; libraries
stay loaded, so what an app changes inside a library (`torch.set_num_threads`, a global random state) is seen by all.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from flip.errors import FlipError


class AppModules:
    """The modules of one app folder, taken out of `sys.modules` while another copy is in use."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._loaded: dict[str, ModuleType] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside, the app's names mean this copy; outside, whatever they meant before."""
        outside = _take_out(self._root)
        path = list(sys.path)
        sys.path.insert(0, str(self._root))
        sys.modules.update(self._loaded)
        try:
            yield
        finally:
            self._loaded = _take_out(self._root)
            sys.modules.update(outside)
            sys.path[:] = path

    def load(self, reference: str) -> Any:
        """The object of `module:attribute`. Call it inside `active()`; whatever the import raises comes through."""
        module_name, _, attributes = reference.partition(":")
        found: Any = importlib.import_module(module_name)
        if not _inside(found, self._root):
            raise FlipError(
                f"{module_name} is not the app's own module but {getattr(found, '__file__', 'a built-in one')}. "
                "Rename the app's package: a library of the same name was imported first.",
                code="module_shadowed",
            )
        for attribute in attributes.split("."):
            if not hasattr(found, attribute):
                raise FlipError(
                    f"{module_name} has no {attribute}, which pyproject.toml names in {reference!r}.",
                    code="component_unresolved",
                )
            found = getattr(found, attribute)
        return found


def _take_out(root: Path) -> dict[str, ModuleType]:
    taken = {name: module for name, module in list(sys.modules.items()) if _inside(module, root)}
    for name in taken:
        del sys.modules[name]
    return taken


def _inside(module: ModuleType, root: Path) -> bool:
    """Whether a module's source lies in the app's folder, an environment inside that folder aside."""
    file = getattr(module, "__file__", None)
    places: list[str] = [file] if file else [str(place) for place in getattr(module, "__path__", ())]  # a namespace
    start = f"{root}{os.sep}"  # texts, not paths: this looks at each of a thousand modules for every message
    return any(place.startswith(start) and "site-packages" not in place[len(start) :] for place in places)

"""From a zip of uploaded files to a FAB that Flower accepts, with FLIP's keys declared. Deterministic."""

import hashlib
import io
import re
import tomllib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import tomli_w
from flwr.cli.build import build_fab_from_files
from packaging.version import InvalidVersion, Version

from flip_contracts.run_config import flatten
from flip_fl.errors import AppInvalid, FabTooLarge, RunConfigKeyUndeclared

# Flower lets a caller override only what the app declares, so these are declared for the run where the app did not.
FLIP_KEYS = {
    "flip-model-id": "uuid",
    "flip-project-id": "uuid",
    "flip-cohort-query": "*",
    "flip-min-clients": 1,
}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
MAX_UNPACKED_BYTES = 64 * 2**20


@dataclass(frozen=True)
class BuiltFab:
    content: bytes
    sha256: str
    notices: list[str]


def build_fab(archive: bytes, run_config: dict[str, Any], max_bytes: int) -> BuiltFab:
    """Raises `AppInvalid`, `FabTooLarge` or `RunConfigKeyUndeclared`; each says what to change."""
    files = _unzip(archive)
    if "pyproject.toml" not in files:
        raise AppInvalid("The app has no pyproject.toml at its top. Add one: see templates/standard.")
    try:
        project = tomllib.loads(files["pyproject.toml"].decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AppInvalid(f"pyproject.toml cannot be read: {error}. Correct the file and upload it again.") from error
    config = _checked_config(project)
    undeclared = sorted(set(run_config) - set(flatten(config)) - set(FLIP_KEYS))
    if undeclared:
        raise RunConfigKeyUndeclared(
            f"The run config sets {', '.join(undeclared)}, which [tool.flwr.app.config] does not declare. "
            "Declare the key there with a default, or leave it out.",
            keys=undeclared,
        )
    notices = []
    for key, value in FLIP_KEYS.items():
        if key not in config:
            config[key] = value
            notices.append(f"{key} was not declared in [tool.flwr.app.config]; it was added for this run.")
    files["pyproject.toml"] = tomli_w.dumps(project).encode()
    try:
        content, _ = build_fab_from_files(files)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise AppInvalid(f"Flower cannot build the app: {error}") from error
    if len(content) > max_bytes:
        raise FabTooLarge(
            f"The app is {len(content)} bytes; the limit is {max_bytes}. Leave out what training does not read.",
            fab_bytes=len(content),
            max_bytes=max_bytes,
        )
    kept = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
    notices += [f"{name} is not part of a FAB and was left out." for name in sorted(set(files) - kept)]
    return BuiltFab(content, hashlib.sha256(content).hexdigest(), notices)


def _unzip(archive: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            entries = [e for e in zipped.infolist() if not e.is_dir()]
            if sum(e.file_size for e in entries) > MAX_UNPACKED_BYTES:
                raise FabTooLarge("The app's files are larger than 64 MiB unpacked. Upload source files only.")
            for entry in entries:
                path = PurePosixPath(entry.filename)
                if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
                    raise AppInvalid("A file name leaves the app's folder. Upload files with relative names.")
            return {e.filename: zipped.read(e) for e in sorted(entries, key=lambda e: e.filename)}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise AppInvalid("The app is not a zip archive.") from error


def _checked_config(project: dict[str, Any]) -> dict[str, Any]:
    """Flower does not check version and publisher, yet makes folder names of them: `1/../..` would escape."""
    try:
        Version(str(project["project"]["version"]))
        app = project["tool"]["flwr"]["app"]
        publisher, components = str(app["publisher"]), app["components"]
    except InvalidVersion as error:
        raise AppInvalid("[project] version is not a version such as 1.0.0 (PEP 440). Correct it.") from error
    except (KeyError, TypeError) as error:
        raise AppInvalid(f"pyproject.toml lacks {error}. See templates/standard/pyproject.toml.") from error
    if not NAME.fullmatch(publisher) or not NAME.fullmatch(str(project["project"].get("name", ""))):
        raise AppInvalid(
            "[project] name and publisher begin with a letter and hold letters, digits and hyphens, 32 at most."
        )
    config = app.setdefault("config", {})
    if not isinstance(components, dict) or not isinstance(config, dict):
        raise AppInvalid("[tool.flwr.app.components] and [tool.flwr.app.config] are tables. See templates/standard.")
    if "agentapp" in components:
        raise AppInvalid("An agentapp is not run here. Declare serverapp and clientapp only.")
    return config

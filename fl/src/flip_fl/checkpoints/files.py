"""Checkpoints on disk: safetensors named by their SHA-256, and one small file that says which belong together.

Written so that a crash at any moment, of the machine too, leaves the last one or the next one, never half of one.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

RECORD = "checkpoint.json"
VERSION = 1


class CheckpointBroken(Exception):
    """What lies there is not a whole checkpoint of this version."""


class CheckpointFolder:
    def __init__(self, folder: Path):
        self._folder = folder

    def put(self, tensors: dict[str, np.ndarray]) -> str:
        """The name of these tensors, which are on the disk then."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / "tensors.part"
        save_file({key: np.asarray(value, order="C") for key, value in tensors.items()}, part)
        with part.open("rb+") as written:
            name = hashlib.file_digest(written, "sha256").hexdigest()
            os.fsync(written.fileno())
        part.replace(self._folder / f"{name}.safetensors")
        return name

    def get(self, name: str) -> dict[str, np.ndarray]:
        """Raises `CheckpointBroken` if the content is not what its name says."""
        path = self._folder / f"{name}.safetensors"
        try:
            with path.open("rb") as source:
                if hashlib.file_digest(source, "sha256").hexdigest() != name:
                    raise CheckpointBroken("The tensors of a checkpoint have changed.")
            return load_file(path)
        except OSError as error:
            raise CheckpointBroken("The tensors of a checkpoint are missing.") from error

    def path(self, name: str) -> Path:
        return self._folder / f"{name}.safetensors"

    def commit(self, record: dict[str, Any], used: set[str]) -> None:
        """From now on this is the checkpoint; tensors that it does not name are deleted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f"{RECORD}.part"
        with part.open("w") as written:
            json.dump({"version": VERSION, **record}, written)
            written.flush()
            os.fsync(written.fileno())
        part.replace(self._folder / RECORD)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        for path in self._folder.glob("*.safetensors"):
            if path.stem not in used:
                with contextlib.suppress(OSError):
                    path.unlink()

    def read(self) -> dict[str, Any] | None:
        """None if there is no checkpoint. Raises `CheckpointBroken`."""
        try:
            record = json.loads((self._folder / RECORD).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise CheckpointBroken("The checkpoint cannot be read.") from error
        if not isinstance(record, dict) or record.get("version") != VERSION:
            raise CheckpointBroken("The checkpoint is of another version.")
        return record

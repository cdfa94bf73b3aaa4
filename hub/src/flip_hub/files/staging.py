"""Files of an app that its FAB cannot hold: which of them go to the ServerApp and which to the trusts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from flip_contracts.app_check import staged_files
from flip_contracts.content import StagedFile
from flip_hub.files.service import list_files
from flip_hub.files.tables import ModelFile
from flip_hub.objects import Objects


@dataclass(frozen=True)
class Staged:
    """As `[tool.flip.files]` of the app's pyproject.toml says; `keys` finds their bytes in the object store."""

    server: Sequence[StagedFile]
    clients: Sequence[StagedFile]
    keys: dict[str, str]  # by SHA-256


def staged_of(session: Session, objects: Objects, model_id: UUID) -> Staged:
    files = {file.path: file for file in list_files(session, model_id)}
    if "pyproject.toml" not in files:
        return Staged([], [], {})
    places = staged_files(objects.get(files["pyproject.toml"].object_key), files)
    return Staged(
        server=[_staged(files[path]) for path, chosen in places.items() if "server" in chosen],
        clients=[_staged(files[path]) for path, chosen in places.items() if "clients" in chosen],
        keys={files[path].sha256: files[path].object_key for path in places},
    )


def _staged(file: ModelFile) -> StagedFile:
    return StagedFile(path=file.path, sha256=file.sha256, size_bytes=file.size_bytes)

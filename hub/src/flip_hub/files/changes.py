"""What has changed in a model's app since it last ran at a trust: for those who look at code before they approve it."""

import difflib
import io
import json
import tomllib
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_hub.files.names import is_source
from flip_hub.files.service import list_files
from flip_hub.objects import Objects
from flip_hub.runs.code_reviews import key_of
from flip_hub.runs.tables import Run, RunTrust
from flip_hub.trusts.tables import Trust

MAX_LINES: Final = 1000  # of one file; a reviewer opens the file itself then
MAX_BYTES: Final = 10 * 2**20  # as much as a FAB may hold
# The platform writes a bundle's pyproject.toml anew and adds these; neither is the researcher's change.
PROJECT: Final = "pyproject.toml"
OURS: Final = ("tool.flwr.app.config.flip-",)


@dataclass(frozen=True)
class Ran:
    run_id: UUID
    at: datetime
    fab_sha256: str


@dataclass(frozen=True)
class FileChange:
    """`diff`: unified, without file names. `left_out`: lines of it that are not told."""

    path: str
    change: Literal["added", "removed", "changed"]
    diff: list[str]
    left_out: int


def last_ran(session: Session, model_id: UUID, trust: str) -> Ran | None:
    """The newest run of this model that started while this trust had a part in it."""
    query = (
        select(Run)
        .join(RunTrust, RunTrust.run_id == Run.id)
        .join(Trust, Trust.id == RunTrust.trust_id)
        .where(
            Run.model_id == model_id,
            Trust.name == trust,
            RunTrust.public_key.is_not(None),
            Run.running_at.is_not(None),
            Run.fab_sha256.is_not(None),
        )
        .order_by(Run.created_at.desc())
        .limit(1)
    )
    run = session.scalar(query)
    if run is None or run.running_at is None or run.fab_sha256 is None:
        return None
    return Ran(run.id, run.running_at, run.fab_sha256)


def changes(session: Session, objects: Objects, model_id: UUID, since: Ran | None) -> list[FileChange]:
    """Every file that differs, in order of path. Without `since`, or where its bundle is gone, every file is new."""
    old = _unpacked(objects, since.fab_sha256) if since else {}
    # What Flower leaves out of a bundle is in no old one either; it is not new for that.
    files = [f for f in list_files(session, model_id) if is_source(f.path)]
    kept = [f for f in files if not old or f.path in old or (since and f.uploaded_at > since.at)]
    now = {f.path: _lines(f.path, objects.get(f.object_key)) for f in kept}
    before = {path: _lines(path, content) for path, content in old.items()}
    paths = sorted(path for path in now.keys() | before.keys() if now.get(path) != before.get(path))
    return [_change(path, before.get(path), now.get(path)) for path in paths]


def _unpacked(objects: Objects, fab_sha256: str) -> dict[str, bytes]:
    if not objects.has(key_of(fab_sha256)):
        return {}
    with zipfile.ZipFile(io.BytesIO(objects.get(key_of(fab_sha256)))) as bundle:
        names = [info for info in bundle.infolist() if not info.is_dir() and not info.filename.startswith(".info/")]
        return {info.filename: bundle.read(info) for info in names if info.file_size <= MAX_BYTES}


def _lines(path: str, content: bytes) -> list[str]:
    if path == PROJECT:
        try:
            return sorted(line for line in _flat(tomllib.loads(content.decode())) if not line.startswith(OURS))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            pass
    return content.decode(errors="replace").splitlines()


def _flat(table: dict[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _flat(value, f"{prefix}{key}.")
        else:
            lines.append(f"{prefix}{key} = {json.dumps(value, default=str)}")
    return lines


def _change(path: str, before: list[str] | None, now: list[str] | None) -> FileChange:
    diff = list(difflib.unified_diff(before or [], now or [], lineterm=""))[2:]
    change = "added" if before is None else "removed" if now is None else "changed"
    return FileChange(path, change, diff[:MAX_LINES], max(0, len(diff) - MAX_LINES))

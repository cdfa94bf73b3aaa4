"""The files of an app: what may be uploaded, and what the checks say of them together."""

import hashlib
import io
import re
import zipfile
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.app_check import Finding, check_app
from flip_contracts.statuses import TERMINAL_RUN_STATES
from flip_hub.db import now
from flip_hub.errors import Conflict, HubError, NotFound
from flip_hub.files.tables import ModelFile
from flip_hub.models.tables import Model
from flip_hub.objects import Objects
from flip_hub.runs.tables import Run

SUFFIXES = {".py", ".toml", ".md", ".yaml", ".yml", ".json", ".jsonl"}  # what a FAB can hold
SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}")
MAX_DEPTH, MAX_FILES = 10, 500


class FileNameInvalid(HubError):
    code, status = "file_name_invalid", 422
    public = "Use a relative name of letters, digits, `_`, `-`, `.` and `/`, ten folders deep at most."


class FileTypeRefused(HubError):
    code, status = "file_type_refused", 422
    public = f"An app's files end in {', '.join(sorted(SUFFIXES))}, or are called LICENSE. A FAB holds nothing else."


class FileTooLarge(HubError):
    code, status = "file_too_large", 413
    public = "The file is larger than the limit for an app's source file."


class TooManyFiles(HubError):
    code, status = "too_many_files", 422
    public = f"An app has {MAX_FILES} files at most."


class ModelBusy(Conflict):
    code = "model_busy"
    public = "A run of this model is queued or running. Stop it, or wait for its end."


def check_name(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or len(parts) > MAX_DEPTH or path != "/".join(parts) or not all(SEGMENT.fullmatch(p) for p in parts):
        raise FileNameInvalid
    if PurePosixPath(path).suffix not in SUFFIXES and path != "LICENSE":
        raise FileTypeRefused


def ensure_idle(session: Session, model: Model) -> None:
    active = select(Run.id).where(Run.model_id == model.id, Run.state.not_in(TERMINAL_RUN_STATES)).limit(1)
    if session.scalar(active):
        raise ModelBusy


def put_file(session: Session, objects: Objects, model: Model, path: str, content: bytes) -> ModelFile:
    check_name(path)
    ensure_idle(session, model)
    digest = hashlib.sha256(content).hexdigest()
    file = session.get(ModelFile, (model.id, path))
    if file is None:
        if len(list_files(session, model.id)) >= MAX_FILES:
            raise TooManyFiles
        file = ModelFile(model_id=model.id, path=path)
        session.add(file)
    file.object_key = f"files/{model.id}/{digest}"  # by content, so a replaced file never changes a queued run
    file.size_bytes, file.sha256, file.uploaded_at = len(content), digest, now()
    objects.put(file.object_key, content)
    session.flush()
    return file


def list_files(session: Session, model_id: UUID) -> list[ModelFile]:
    return list(session.scalars(select(ModelFile).where(ModelFile.model_id == model_id).order_by(ModelFile.path)))


def delete_file(session: Session, model: Model, path: str) -> None:
    file = session.get(ModelFile, (model.id, path))
    if file is None:
        raise NotFound
    ensure_idle(session, model)
    session.delete(file)


def contents(session: Session, objects: Objects, model_id: UUID) -> dict[str, bytes]:
    return {f.path: objects.get(f.object_key) for f in list_files(session, model_id)}


def findings(files: dict[str, bytes], trust_count: int) -> list[Finding]:
    return check_app(files, trust_count)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(path, content)
    return buffer.getvalue()

"""The files of an app: what may be there, and what the checks say of them together."""

import hashlib
import io
import zipfile
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flip_contracts.app_check import Finding, RequiredFile, check_app, required_files
from flip_contracts.statuses import TERMINAL_RUN_STATES
from flip_hub.db import now
from flip_hub.errors import Conflict, HubError, NotFound
from flip_hub.events import notify
from flip_hub.files.deletion import forget_file, forget_upload
from flip_hub.files.names import is_source
from flip_hub.files.shelf import forget, keep
from flip_hub.files.tables import ModelFile, Upload
from flip_hub.live.changes import files_changed
from flip_hub.models.tables import Model
from flip_hub.objects import Objects
from flip_hub.runs.tables import Run

MAX_FILES: Final = 500


class FileTooLarge(HubError):
    code, status = "file_too_large", 413
    public = "The file is larger than the limit for an app's source file. Send large files as a resumable upload."


class ModelTooLarge(HubError):
    code, status = "model_too_large", 413
    public = "The files of this model would be larger than the limit together. Delete some first."


class TooManyFiles(HubError):
    code, status = "too_many_files", 422
    public = f"A model has {MAX_FILES} files at most."


class ModelBusy(Conflict):
    code = "model_busy"
    public = "A run of this model is queued or running. Stop it, or wait for its end."


class FilesNotReady(Conflict):
    code = "files_not_ready"
    public = "Some files are still on their way, being scanned, or were refused. Wait for them, or delete them."


def locked_idle(session: Session, model: Model) -> None:
    """From here to the end of the transaction no run of this model begins, and nobody else changes its files."""
    session.refresh(model, with_for_update=True)
    ensure_idle(session, model)


def ensure_idle(session: Session, model: Model) -> None:
    if model.deleted_at is not None:
        raise NotFound
    active = select(Run.id).where(Run.model_id == model.id, Run.state.not_in(TERMINAL_RUN_STATES)).limit(1)
    if session.scalar(active):
        raise ModelBusy


def ensure_ready(session: Session, model_id: UUID) -> None:
    waiting = session.execute(select(Upload.path, Upload.state).where(Upload.model_id == model_id)).all()
    if waiting:
        raise FilesNotReady(files={path: state for path, state in waiting})


def put_file(session: Session, model: Model, path: str, key: str, size: int, sha256: str) -> ModelFile:
    """Refer to an object as a file of this model, in place of whatever had this path. The model is locked."""
    replace_uploads(session, model.id, path)
    file = session.get(ModelFile, (model.id, path))
    if file is None:
        if count_files(session, model.id) >= MAX_FILES:
            raise TooManyFiles
        file = ModelFile(model_id=model.id, path=path)
        session.add(file)
    else:
        forget(session, file.object_key)
    file.object_key, file.size_bytes, file.sha256, file.uploaded_at = key, size, sha256, now()
    file.advice, file.advice_due, file.attempts, file.leased_until = None, path.endswith(".py"), 0, None
    keep(session, key)
    session.flush()
    tell(session, model.id)
    return file


def tell(session: Session, model_id: UUID) -> None:
    """Wake those who look at the model, and the worker."""
    files_changed(session, model_id)
    notify(session, "files")


def replace_uploads(session: Session, model_id: UUID, path: str, but: UUID | None = None) -> None:
    """What is on its way to the same path, or was refused there, makes room."""
    for upload in session.scalars(select(Upload).where(Upload.model_id == model_id, Upload.path == path)):
        if upload.id != but:
            forget_upload(session, upload)


def count_files(session: Session, model_id: UUID) -> int:
    return session.scalar(select(func.count()).select_from(ModelFile).where(ModelFile.model_id == model_id)) or 0


def total_bytes(session: Session, model_id: UUID) -> int:
    """Of files and of uploads as they were announced."""
    files = session.scalar(select(func.sum(ModelFile.size_bytes)).where(ModelFile.model_id == model_id))
    uploads = session.scalar(select(func.sum(Upload.size_bytes)).where(Upload.model_id == model_id))
    return int(files or 0) + int(uploads or 0)


def list_files(session: Session, model_id: UUID) -> list[ModelFile]:
    return list(session.scalars(select(ModelFile).where(ModelFile.model_id == model_id).order_by(ModelFile.path)))


def list_uploads(session: Session, model_id: UUID) -> list[Upload]:
    return list(session.scalars(select(Upload).where(Upload.model_id == model_id).order_by(Upload.path)))


def delete_file(session: Session, model: Model, path: str) -> None:
    locked_idle(session, model)
    file = session.get(ModelFile, (model.id, path))
    uploads = [upload for upload in list_uploads(session, model.id) if upload.path == path]
    if file is None and not uploads:
        raise NotFound
    if file is not None:
        forget_file(session, file)
    for upload in uploads:
        forget_upload(session, upload)
    tell(session, model.id)


def contents(session: Session, objects: Objects, model_id: UUID) -> dict[str, bytes]:
    """What goes into the FAB."""
    return {f.path: objects.get(f.object_key) for f in list_files(session, model_id) if is_source(f.path)}


def checked_files(session: Session, objects: Objects, model_id: UUID) -> dict[str, bytes]:
    """What `check_app` takes: of files outside the FAB only the name matters."""
    staged = {f.path: b"" for f in list_files(session, model_id) if not is_source(f.path)}
    return contents(session, objects, model_id) | staged


def findings(files: dict[str, bytes], trust_count: int) -> list[Finding]:
    return check_app(files, trust_count)


def required(files: dict[str, bytes]) -> list[RequiredFile]:
    return required_files(files)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(path, content)
    return buffer.getvalue()


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

"""Answers of the file endpoints."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from flip_contracts.app_check import Finding, RequiredFile
from flip_hub.files.advice import Advice
from flip_hub.files.names import is_source
from flip_hub.files.tables import ModelFile, Upload


class FileRead(BaseModel):
    """`state`: UPLOADING, SCANNING, READY, or REJECTED for `reason`; a path may be there twice, as what the model has
    and as what is to replace it. `place`: bundle (in the FAB), or staged (outside it, where `[tool.flip.files]` of
    pyproject.toml says). `advice`: what bandit notes of a Python file; null until it was looked at.
    """

    path: str
    state: Literal["UPLOADING", "SCANNING", "READY", "REJECTED"]
    reason_code: str
    reason: str
    size_bytes: int
    received_bytes: int
    sha256: str
    uploaded_at: datetime
    place: Literal["bundle", "staged"]
    upload_id: UUID | None
    is_bundle: bool
    expires_at: datetime | None
    advice: list[Advice] | None


class CheckRead(BaseModel):
    """`ok` is false when a finding is an error: such an app cannot be initiated. `required`: what the app must have.
    `not_ready`: uploads that keep it from being initiated, with their state."""

    ok: bool
    findings: list[Finding]
    required: list[RequiredFile]
    not_ready: dict[str, str]


class RanRead(BaseModel):
    run_id: UUID
    at: datetime


class FileChangeRead(BaseModel):
    """`diff`: lines of a unified diff, at most 1000; `left_out`: how many more there are. pyproject.toml is compared by
    its settings, a line for each: the platform writes that file anew and adds its own."""

    path: str
    change: Literal["added", "removed", "changed"]
    diff: list[str]
    left_out: int


class ChangesRead(BaseModel):
    since: RanRead | None
    files: list[FileChangeRead]


def file_read(file: ModelFile) -> FileRead:
    return FileRead(
        path=file.path,
        state="READY",
        reason_code="",
        reason="",
        size_bytes=file.size_bytes,
        received_bytes=file.size_bytes,
        sha256=file.sha256,
        uploaded_at=file.uploaded_at,
        place="bundle" if is_source(file.path) else "staged",
        upload_id=None,
        is_bundle=False,
        expires_at=None,
        advice=[Advice.model_validate(one) for one in file.advice] if file.advice is not None else None,
    )


def upload_read(upload: Upload) -> FileRead:
    return FileRead(
        path=upload.path,
        state=upload.state,  # type: ignore[arg-type]
        reason_code=upload.reason_code,
        reason=upload.reason,
        size_bytes=upload.size_bytes,
        received_bytes=upload.received_bytes,
        sha256=upload.sha256 or "",
        uploaded_at=upload.created_at,
        place="bundle" if is_source(upload.path) else "staged",
        upload_id=upload.id,
        is_bundle=upload.is_bundle,
        expires_at=upload.expires_at if upload.state == "UPLOADING" else None,
        advice=None,
    )

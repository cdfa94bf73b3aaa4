"""Upload, list, download, delete and check the files of a model. Large files come by tus (`tus.py`)."""

import tempfile
from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from flip_hub.audit.service import record
from flip_hub.auth import Bearer, CurrentUser, user_of_token, visible_model
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import HubError, NotFound, errors
from flip_hub.files import changes, service
from flip_hub.files.arrival import Stored, drop, store_bundle, store_file, take
from flip_hub.files.bundles import BundleRefused, BundleTooLarge, BundleUnreadable
from flip_hub.files.names import BUNDLES, SUFFIXES, FileNameInvalid, FileTypeMismatch, FileTypeRefused, check_name
from flip_hub.files.schemas import (
    ChangesRead,
    CheckRead,
    FileChangeRead,
    FileRead,
    RanRead,
    file_read,
    upload_read,
)
from flip_hub.files.tables import ModelFile
from flip_hub.projects.service import approving_trusts
from flip_hub.projects.tables import Project
from flip_hub.routing import Router

router = Router(prefix="/models/{model_id}", tags=["files"])
types_router = Router(tags=["files"])
MAX_DIRECT_BUNDLE: Final = 64 * 2**20
WRITING: Final = (
    FileNameInvalid,
    FileTypeRefused,
    FileTypeMismatch,
    service.FileTooLarge,
    service.ModelTooLarge,
    service.TooManyFiles,
    service.ModelBusy,
)


class RequiredOfTypeRead(BaseModel):
    path: str
    why: str


class JobTypeRead(BaseModel):
    name: str
    title: str
    required: list[RequiredOfTypeRead]
    allowed_suffixes: list[str]
    bundle_suffixes: list[str]
    max_upload_bytes: int


@types_router.get("/job-types")
def list_job_types(user: CurrentUser, request: Request) -> list[JobTypeRead]:
    """What a model of each type must have. `GET /models/{id}/check` names what one model lacks."""
    required = [
        ("pyproject.toml", "It names the two components, the app's version and its run config."),
        ("<module of serverapp>.py", "[tool.flwr.app.components] serverapp, for example app/server_app.py."),
        ("<module of clientapp>.py", "[tool.flwr.app.components] clientapp, for example app/client_app.py."),
        ("<what they import of the app>.py", "Every module of the app that the two import."),
    ]
    return [
        JobTypeRead(
            name="flower",
            title="Flower app",
            required=[RequiredOfTypeRead(path=path, why=why) for path, why in required],
            allowed_suffixes=sorted(SUFFIXES),
            bundle_suffixes=sorted(BUNDLES),
            max_upload_bytes=request.app.state.settings.max_upload_bytes,
        )
    ]


def _check_access(request: Request, token: str, model_id: UUID) -> None:
    with request.app.state.database.session() as session:
        visible_model(session, user_of_token(session, token), model_id, change=True)


def _take(request: Request, token: str, model_id: UUID, stored: list[Stored]) -> list[FileRead]:
    try:
        with request.app.state.database.session() as session:
            user = user_of_token(session, token)
            model = visible_model(session, user, model_id, change=True)
            take(session, request.app.state.settings, user.id, model, stored)
        with request.app.state.database.session() as session:
            return _all(session, model_id)
    except HubError:
        drop(request.app.state.shelf, stored)
        raise


def _all(session: Session, model_id: UUID) -> list[FileRead]:
    found = [file_read(file) for file in service.list_files(session, model_id)]
    found += [upload_read(upload) for upload in service.list_uploads(session, model_id)]
    return sorted(found, key=lambda file: (file.path, file.upload_id is not None))


@router.put("/files/{path:path}", responses=errors(*WRITING))
async def put_file(model_id: UUID, path: str, request: Request, token: Bearer) -> FileRead:
    """Raw body, as large as an app's source file may be. A file of the same path is replaced.

    Text is READY at once; a pickle or an array file is SCANNING first, and replaces the other when it is found good.
    """
    # No session is held while the body arrives: a slow upload must not keep a connection.
    await run_in_threadpool(_check_access, request, token, model_id)
    check_name(path)
    limit = request.app.state.settings.max_file_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise service.FileTooLarge(limit_bytes=limit)

    def store() -> FileRead:
        one = store_file(request.app.state.shelf, model_id, path, bytes(body))
        return [file for file in _take(request, token, model_id, [one]) if file.path == path][-1]

    return await run_in_threadpool(store)


@router.put("/bundle", responses=errors(*WRITING, BundleUnreadable, BundleRefused, BundleTooLarge))
async def put_bundle(model_id: UUID, request: Request, token: Bearer) -> list[FileRead]:
    """A zip or FAB as raw body, unpacked here: all of its files, or none and the reason. Files of the same paths are
    replaced. A zip of one folder with pyproject.toml in it is taken as that folder. Larger ones come by tus."""
    await run_in_threadpool(_check_access, request, token, model_id)
    with tempfile.SpooledTemporaryFile(max_size=8 * 2**20) as spool:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_DIRECT_BUNDLE:
                raise BundleTooLarge("Send a bundle of this size as a resumable upload.", limit_bytes=MAX_DIRECT_BUNDLE)
            await run_in_threadpool(spool.write, chunk)
        spool.seek(0)

        def store() -> list[FileRead]:
            stored = store_bundle(request.app.state.shelf, request.app.state.settings, model_id, spool)
            return _take(request, token, model_id, stored)

        return await run_in_threadpool(store)


@router.get("/files")
def list_files(model_id: UUID, user: CurrentUser, session: ReadSession) -> list[FileRead]:
    """What the model has, and what is on its way or was refused."""
    visible_model(session, user, model_id)
    return _all(session, model_id)


@router.get("/files/{path:path}", response_class=StreamingResponse)
def download_file(
    model_id: UUID, path: str, user: CurrentUser, session: WriteSession, request: Request
) -> StreamingResponse:
    visible_model(session, user, model_id)
    file = session.get(ModelFile, (model_id, path))
    if file is None:
        raise NotFound
    size, chunks = request.app.state.objects.stream(file.object_key)
    record(session, str(user.id), "file.downloaded", str(model_id), path=path)
    name = quote(path.rsplit("/", 1)[-1])
    headers = {
        "content-length": str(size),
        "etag": f'"{file.sha256}"',
        "content-disposition": f"attachment; filename*=UTF-8''{name}",
    }
    return StreamingResponse(chunks, media_type="application/octet-stream", headers=headers)


@router.delete("/files/{path:path}", status_code=204, responses=errors(service.ModelBusy))
def delete_file(model_id: UUID, path: str, user: CurrentUser, session: WriteSession) -> Response:
    """With what is on its way to this path, or was refused there."""
    service.delete_file(session, visible_model(session, user, model_id, change=True), path)
    return Response(status_code=204)


@router.get("/changes")
def list_changes(
    model_id: UUID,
    request: Request,
    user: CurrentUser,
    session: ReadSession,
    trust: Annotated[str, Query(max_length=100, description="Name of the trust.")],
) -> ChangesRead:
    """What differs in the app from what last ran at this trust. `since` null: nothing has run there, all is new."""
    model = visible_model(session, user, model_id)
    since = changes.last_ran(session, model.id, trust)
    found = changes.changes(session, request.app.state.objects, model.id, since)
    return ChangesRead(
        since=since and RanRead(run_id=since.run_id, at=since.at),
        files=[FileChangeRead.model_validate(one, from_attributes=True) for one in found],
    )


@router.get("/check")
def check_files(model_id: UUID, request: Request, user: CurrentUser, session: ReadSession) -> CheckRead:
    """What keeps the model from being trained, and what may go wrong."""
    model = visible_model(session, user, model_id)
    project = session.get_one(Project, model.project_id)
    files = service.checked_files(session, request.app.state.objects, model.id)
    found = service.findings(files, len(approving_trusts(session, project)))
    return CheckRead(
        ok=not any(f.severity == "error" for f in found),
        findings=found,
        required=service.required(files),
        not_ready={upload.path: upload.state for upload in service.list_uploads(session, model.id)},
    )

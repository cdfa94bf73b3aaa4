"""Upload, list, delete and check the files of a model's app."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from flip_contracts.app_check import Finding
from flip_hub.auth import Bearer, CurrentUser, user_of_token, visible_model
from flip_hub.db import ReadSession, WriteSession
from flip_hub.files import service
from flip_hub.files.tables import ModelFile
from flip_hub.projects.service import approving_trusts
from flip_hub.projects.tables import Project

router = APIRouter(prefix="/models/{model_id}", tags=["files"])


class FileRead(BaseModel):
    path: str
    size_bytes: int
    sha256: str
    uploaded_at: datetime


class CheckRead(BaseModel):
    """`ok` is false when a finding is an error: such an app cannot be initiated."""

    ok: bool
    findings: list[Finding]


def _read(file: ModelFile) -> FileRead:
    return FileRead(path=file.path, size_bytes=file.size_bytes, sha256=file.sha256, uploaded_at=file.uploaded_at)


def _check_access(request: Request, token: str, model_id: UUID) -> None:
    with request.app.state.database.session() as session:
        visible_model(session, user_of_token(session, token), model_id, change=True)


@router.put("/files/{path:path}")
async def put_file(model_id: UUID, path: str, request: Request, token: Bearer) -> FileRead:
    """Raw body. A file of the same path is replaced."""
    # No session is held while the body arrives: a slow upload must not keep a connection.
    await run_in_threadpool(_check_access, request, token, model_id)
    service.check_name(path)
    limit = request.app.state.settings.max_file_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise service.FileTooLarge(limit_bytes=limit)

    def store() -> FileRead:
        with request.app.state.database.session() as session:
            model = visible_model(session, user_of_token(session, token), model_id, change=True)
            return _read(service.put_file(session, request.app.state.objects, model, path, bytes(body)))

    return await run_in_threadpool(store)


@router.get("/files")
def list_files(model_id: UUID, user: CurrentUser, session: ReadSession) -> list[FileRead]:
    visible_model(session, user, model_id)
    return [_read(file) for file in service.list_files(session, model_id)]


@router.delete("/files/{path:path}", status_code=204)
def delete_file(model_id: UUID, path: str, user: CurrentUser, session: WriteSession) -> Response:
    service.delete_file(session, visible_model(session, user, model_id, change=True), path)
    return Response(status_code=204)


@router.get("/check")
def check_files(model_id: UUID, request: Request, user: CurrentUser, session: ReadSession) -> CheckRead:
    model = visible_model(session, user, model_id)
    project = session.get_one(Project, model.project_id)
    files = service.contents(session, request.app.state.objects, model.id)
    found = service.findings(files, len(approving_trusts(session, project)))
    return CheckRead(ok=not any(f.severity == "error" for f in found), findings=found)

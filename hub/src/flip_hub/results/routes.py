"""What runs left behind: download, look inside, and see how it came to be."""

import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import Header, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.auth import CurrentUser, visible_model, visible_run
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import HubError, NotFound, errors
from flip_hub.results.card import card_of
from flip_hub.results.crate import crate_of
from flip_hub.results.facts import facts_of
from flip_hub.results.ranges import RangeInvalid, span_of
from flip_hub.results.tables import RunResult
from flip_hub.routing import Router
from flip_hub.runs.tables import Run

router = Router(tags=["results"])
BLOCK = 2**20
PICTURES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
TEXTS: Final = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".md": "text/plain",
    ".log": "text/plain",
    ".sql": "text/plain",
}


class ResultsNotReady(HubError):
    code, status = "results_not_ready", 404
    public = "This run has no results yet, or produced none; its state and reason say which."


class ResultsRead(BaseModel):
    run_id: UUID
    state: str
    size_bytes: int
    sha256: str
    stored_at: datetime


class ResultFileRead(BaseModel):
    """`preview`: `picture`, `json` or `text` if a page can show it as it is; null if it is only to be downloaded."""

    path: str
    size_bytes: int
    preview: str | None


def _result(session: Session, run_id: UUID) -> RunResult:
    result = session.get(RunResult, run_id)
    if result is None:
        raise ResultsNotReady
    return result


@router.get("/models/{model_id}/results", responses=errors(NotFound))
def list_model_results(model_id: UUID, user: CurrentUser, session: ReadSession) -> list[ResultsRead]:
    """What the model's runs left behind, newest first."""
    visible_model(session, user, model_id)
    rows = session.execute(
        select(Run.state, RunResult)
        .join(RunResult, RunResult.run_id == Run.id)
        .where(Run.model_id == model_id)
        .order_by(RunResult.stored_at.desc())
    )
    return [
        ResultsRead(run_id=r.run_id, state=state, size_bytes=r.size_bytes, sha256=r.sha256, stored_at=r.stored_at)
        for state, r in rows
    ]


@router.get(
    "/runs/{run_id}/results",
    response_class=StreamingResponse,
    responses=errors(NotFound, ResultsNotReady, RangeInvalid),
)
def download_results(
    run_id: UUID,
    user: CurrentUser,
    session: WriteSession,
    request: Request,
    range: Annotated[str, Header()] = "",
    if_range: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """A zip with the global model (safetensors), its history, whatever the ServerApp wrote, and its provenance.

    `Range: bytes=…` gives a part, so that a download that broke off goes on.
    """
    visible_run(session, user, run_id)
    result = _result(session, run_id)
    etag = f'"{result.sha256}"'
    span = span_of(range, if_range, etag, result.size_bytes)
    chunks = request.app.state.objects.stream(result.object_key, span.first)[1]
    where = {"from_byte": span.first, "to_byte": span.last} if span.partial else {}
    record(session, str(user.id), "results.downloaded", str(run_id), **where)
    headers = {
        "content-length": str(span.length),
        "content-disposition": f'attachment; filename="run-{run_id}.zip"',
        "etag": etag,
        "accept-ranges": "bytes",
    }
    if span.partial:
        headers["content-range"] = f"bytes {span.first}-{span.last}/{result.size_bytes}"
    return StreamingResponse(
        _first(chunks, span.length), 206 if span.partial else 200, media_type="application/zip", headers=headers
    )


def _first(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:length]
        length -= len(chunk)
        if length <= 0:
            return


@router.get("/runs/{run_id}/results/files", responses=errors(NotFound, ResultsNotReady))
def list_result_files(run_id: UUID, user: CurrentUser, session: ReadSession, request: Request) -> list[ResultFileRead]:
    """What is in the zip, without downloading it."""
    visible_run(session, user, run_id)
    with _opened(request, _result(session, run_id)) as zipped:
        files = [info for info in zipped.infolist() if not info.is_dir()]
    return [
        ResultFileRead(path=info.filename, size_bytes=info.file_size, preview=_preview(info.filename)) for info in files
    ]


@router.get(
    "/runs/{run_id}/results/files/{path:path}",
    response_class=StreamingResponse,
    responses=errors(NotFound, ResultsNotReady),
)
def get_result_file(
    run_id: UUID, path: str, user: CurrentUser, session: WriteSession, request: Request
) -> StreamingResponse:
    """One file out of the zip. A picture, JSON or text may be shown in place; anything else is a download."""
    visible_run(session, user, run_id)
    zipped = _opened(request, _result(session, run_id))
    try:
        info = zipped.getinfo(path)
    except KeyError:
        zipped.close()
        raise NotFound from None
    record(session, str(user.id), "results.file_read", str(run_id), path=path[:500])
    suffix = PurePosixPath(path).suffix.lower()
    kind = {**PICTURES, **TEXTS}.get(suffix)
    name = quote(PurePosixPath(path).name)
    headers = {
        "content-length": str(info.file_size),
        "content-disposition": f"{'inline' if kind else 'attachment'}; filename*=UTF-8''{name}",
        "content-security-policy": "default-src 'none'; sandbox",  # whatever an app wrote runs nowhere
    }
    return StreamingResponse(_blocks(zipped, info), media_type=kind or "application/octet-stream", headers=headers)


@router.get("/runs/{run_id}/provenance", responses=errors(NotFound))
def get_provenance(run_id: UUID, user: CurrentUser, session: ReadSession) -> dict[str, Any]:
    """A Five Safes RO-Crate of the run as it stands now; the one in the results is as of its end."""
    return crate_of(facts_of(session, visible_run(session, user, run_id)), [])


class Markdown(PlainTextResponse):
    media_type = "text/markdown"


@router.get("/runs/{run_id}/model-card", response_class=Markdown, responses=errors(NotFound))
def get_model_card(run_id: UUID, user: CurrentUser, session: ReadSession) -> Markdown:
    """The model card in Markdown."""
    return Markdown(card_of(facts_of(session, visible_run(session, user, run_id))))


def _opened(request: Request, result: RunResult) -> zipfile.ZipFile:
    return zipfile.ZipFile(request.app.state.objects.reader(result.object_key))


def _blocks(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with zipped, zipped.open(info) as member:
        while block := member.read(BLOCK):
            yield block


def _preview(path: str) -> str | None:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in PICTURES:
        return "picture"
    return "json" if suffix == ".json" else "text" if suffix in TEXTS else None

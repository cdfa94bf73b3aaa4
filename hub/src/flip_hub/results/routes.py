"""Download what a run left behind."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from flip_hub.audit.service import record
from flip_hub.auth import CurrentUser, visible_run
from flip_hub.db import WriteSession
from flip_hub.errors import HubError
from flip_hub.results.tables import RunResult

router = APIRouter(tags=["results"])


class ResultsNotReady(HubError):
    code, status = "results_not_ready", 404
    public = "This run has no results yet, or produced none; its state and reason say which."


class RangeInvalid(HubError):
    code, status = "range_invalid", 416
    public = "The results are not so long. Ask for them without a Range."


def _offset(wanted: str, if_range: str, etag: str) -> int:
    """Where to start. Only `bytes=N-` is met; another range is answered with the whole, as RFC 9110 allows."""
    found = re.fullmatch(r"bytes=(\d{1,18})-", wanted)
    return int(found[1]) if found and if_range in ("", etag) else 0


@router.get("/runs/{run_id}/results", response_class=StreamingResponse)
def download_results(
    run_id: UUID,
    user: CurrentUser,
    session: WriteSession,
    request: Request,
    range: Annotated[str, Header()] = "",
    if_range: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """A zip with the global model (safetensors), its history and whatever the ServerApp wrote.

    `Range: bytes=N-` goes on where an earlier download broke off.
    """
    visible_run(session, user, run_id)
    result = session.get(RunResult, run_id)
    if result is None:
        raise ResultsNotReady
    etag = f'"{result.sha256}"'
    offset = _offset(range, if_range, etag)
    if offset and offset >= result.size_bytes:
        raise RangeInvalid(size_bytes=result.size_bytes)
    size, chunks = request.app.state.objects.stream(result.object_key, offset)
    record(session, str(user.id), "results.downloaded", str(run_id), **({"from_byte": offset} if offset else {}))
    headers = {
        "content-length": str(size - offset),
        "content-disposition": f'attachment; filename="run-{run_id}.zip"',
        "etag": etag,
        "accept-ranges": "bytes",
    }
    if offset:
        headers["content-range"] = f"bytes {offset}-{size - 1}/{size}"
    status = 206 if offset else 200
    return StreamingResponse(chunks, status_code=status, media_type="application/zip", headers=headers)

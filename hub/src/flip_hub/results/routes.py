"""Download what a run left behind."""

from uuid import UUID

from fastapi import APIRouter, Request
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


@router.get("/runs/{run_id}/results", response_class=StreamingResponse)
def download_results(run_id: UUID, user: CurrentUser, session: WriteSession, request: Request) -> StreamingResponse:
    """A zip with the global model (safetensors), its history and whatever the ServerApp wrote."""
    visible_run(session, user, run_id)
    result = session.get(RunResult, run_id)
    if result is None:
        raise ResultsNotReady
    size, chunks = request.app.state.objects.stream(result.object_key)
    record(session, str(user.id), "results.downloaded", str(run_id))
    headers = {
        "content-length": str(size),
        "content-disposition": f'attachment; filename="run-{run_id}.zip"',
        "etag": f'"{result.sha256}"',
    }
    return StreamingResponse(chunks, media_type="application/zip", headers=headers)

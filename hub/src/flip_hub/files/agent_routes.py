"""What a trust fetches of a run's app beside the FAB, by the hash that its signed manifest names."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import Header, Request
from fastapi.responses import StreamingResponse

from flip_contracts.wire import Sha256
from flip_hub.auth import CurrentTrust
from flip_hub.db import ReadSession
from flip_hub.errors import HubError, errors
from flip_hub.files.staging import staged_of
from flip_hub.results.ranges import RangeInvalid, span_of
from flip_hub.routing import Router
from flip_hub.runs.tables import Run, RunTrust
from flip_hub.scheduler.decide import LIVE

router = Router(tags=["trust API"])


class StagedFileUnknown(HubError):
    code, status = "staged_file_unknown", 404
    public = "No file of this hash is sent to this trust in this run, or the run has ended."


@router.get(
    "/runs/{run_id}/files/{sha256}",
    response_class=StreamingResponse,
    responses=errors(StagedFileUnknown, RangeInvalid),
)
def fetch_staged_file(
    run_id: UUID,
    sha256: Sha256,
    trust: CurrentTrust,
    session: ReadSession,
    request: Request,
    range: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """Of a run that this trust is asked to join, or takes part in. `Range: bytes=N-` goes on from byte N."""
    part, run = session.get(RunTrust, (run_id, trust.id)), session.get(Run, run_id)
    if part is None or run is None or run.closed or part.state not in LIVE:
        raise StagedFileUnknown
    objects = request.app.state.objects
    staged = staged_of(session, objects, run.model_id)
    file = next((file for file in staged.clients if file.sha256 == sha256), None)
    if file is None:
        raise StagedFileUnknown
    if file.size_bytes == 0:
        return StreamingResponse(iter(()), media_type="application/octet-stream", headers={"content-length": "0"})
    span = span_of(range, "", "", file.size_bytes)
    headers = {"content-length": str(span.length), "etag": f'"{sha256}"'}
    if span.partial:
        headers["content-range"] = f"bytes {span.first}-{span.last}/{file.size_bytes}"
    chunks = _at_most(objects.stream(staged.keys[sha256], span.first)[1], span.length)
    status = 206 if span.partial else 200
    return StreamingResponse(chunks, status, media_type="application/octet-stream", headers=headers)


def _at_most(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    for chunk in chunks:
        if length <= 0:
            return
        yield chunk[:length]
        length -= len(chunk)

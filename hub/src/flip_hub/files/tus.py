"""Resumable uploads by the tus protocol 1.0 (https://tus.io/protocols/resumable-upload): core, creation, termination,
checksum and expiration. Any tus client works, such as tus-js-client in the browser.

`Upload-Metadata` at creation: `filename` (the path in the app, or the bundle's name), `sha256` (hex, optional: the
whole must match it), `bundle` (a zip or FAB that is unpacked on arrival).
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from flip_hub.auth import Bearer, CurrentUser, user_of_token, visible_model
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import FieldInvalid, HubError, errors
from flip_hub.files import uploads
from flip_hub.files.names import FileNameInvalid, FileTypeMismatch, FileTypeRefused
from flip_hub.files.service import FileTooLarge, ModelBusy, ModelTooLarge, TooManyFiles
from flip_hub.files.tables import Upload
from flip_hub.routing import Router

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,termination,checksum,expiration"
ALGORITHMS: Final = {"sha1": 20, "sha256": 32}  # the protocol asks for sha1
MAX_METADATA: Final = 4096
HEX_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class TusVersionUnsupported(HubError):
    """tus asks for `Tus-Version` beside it; every answer of this hub's has the one version in its text."""

    code, status = "tus_version_unsupported", 412
    public = f"Send `Tus-Resumable: {VERSION}`."


class UploadHeaderInvalid(FieldInvalid):
    code = "upload_header_invalid"
    public = "A header of the upload is not as tus says; the message names it and what it should hold."


class UploadTypeWrong(HubError):
    code, status = "upload_type_wrong", 415
    public = "Send `Content-Type: application/offset+octet-stream`."


def _speaks_tus(request: Request, token: Bearer, tus_resumable: Annotated[str, Header()] = "") -> None:
    with request.app.state.database.session() as session:
        user_of_token(session, token)  # who may not ask is not told what to ask
    if tus_resumable != VERSION:
        raise TusVersionUnsupported


router = Router(prefix="/models/{model_id}/uploads", tags=["files"])
Tus = Depends(_speaks_tus)
Bytes = Annotated[int, Header(ge=0, le=2**62)]


def headers_of(upload: Upload) -> dict[str, str]:
    headers = {
        "tus-resumable": VERSION,
        "upload-offset": str(upload.received_bytes),
        "upload-length": str(upload.size_bytes),
    }
    if upload.state == uploads.UPLOADING:
        headers["upload-expires"] = _date(upload.expires_at)
    return headers


def _date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@router.options("", status_code=204)
def describe_uploads(model_id: UUID, user: CurrentUser, request: Request) -> Response:
    """What this server's tus can."""
    headers = {
        "tus-resumable": VERSION,
        "tus-version": VERSION,
        "tus-extension": EXTENSIONS,
        "tus-max-size": str(request.app.state.settings.max_upload_bytes),
        "tus-checksum-algorithm": ",".join(ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "",
    status_code=201,
    dependencies=[Tus],
    responses=errors(
        TusVersionUnsupported,
        UploadHeaderInvalid,
        FileNameInvalid,
        FileTypeRefused,
        FileTooLarge,
        ModelTooLarge,
        TooManyFiles,
        ModelBusy,
    ),
)
def create_upload(
    model_id: UUID,
    user: CurrentUser,
    session: WriteSession,
    request: Request,
    upload_length: Bytes,
    upload_metadata: Annotated[str, Header(max_length=MAX_METADATA)] = "",
) -> Response:
    """Begin an upload; `Location` says where its bytes go. What was on its way to the same path makes room."""
    metadata = _metadata(upload_metadata)
    sha256 = metadata.get("sha256") or None
    if sha256 and not HEX_SHA256.fullmatch(sha256):
        raise UploadHeaderInvalid("`sha256` of Upload-Metadata must be 64 hexadecimal digits.")
    model = visible_model(session, user, model_id, change=True)
    upload = uploads.create(
        session,
        request.app.state.settings,
        user,
        model,
        metadata.get("filename", ""),
        upload_length,
        sha256,
        "bundle" in metadata,
    )
    place = f"{request.url.path}/{upload.id}"
    return Response(status_code=201, headers={"location": place, **headers_of(upload)})


@router.head("/{upload_id}", dependencies=[Tus], responses=errors(TusVersionUnsupported))
def get_upload_offset(model_id: UUID, upload_id: UUID, user: CurrentUser, session: ReadSession) -> Response:
    """How far it is: go on from `Upload-Offset`."""
    visible_model(session, user, model_id)
    return Response(headers=headers_of(uploads.find(session, model_id, upload_id)))


@router.patch(
    "/{upload_id}",
    status_code=204,
    dependencies=[Tus],
    responses=errors(
        TusVersionUnsupported,
        UploadTypeWrong,
        UploadHeaderInvalid,
        FileTypeMismatch,
        uploads.OffsetWrong,
        uploads.UploadTooLong,
        uploads.ChecksumWrong,
    ),
)
async def send_upload(
    model_id: UUID,
    upload_id: UUID,
    request: Request,
    token: Bearer,
    upload_offset: Bytes,
    content_type: Annotated[str, Header()] = "",
    upload_checksum: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """The next bytes. What has arrived counts even if the connection breaks; with `Upload-Checksum`, all or nothing."""
    if content_type != "application/offset+octet-stream":
        raise UploadTypeWrong
    checksum = _checksum(upload_checksum)

    def look() -> Upload:  # no session is held while the body arrives: a slow upload must not keep a connection
        with request.app.state.database.session() as session:
            visible_model(session, user_of_token(session, token), model_id, change=True)
            return uploads.find(session, model_id, upload_id)

    piece = uploads.Piece(request.app.state.shelf, await run_in_threadpool(look), upload_offset, checksum)
    try:
        async for chunk in request.stream():
            if piece.take(chunk):
                await run_in_threadpool(piece.flush)
        await run_in_threadpool(piece.finish)
    except ClientDisconnect:
        if checksum is None:
            await run_in_threadpool(piece.finish)
        else:
            await run_in_threadpool(piece.drop)
        return Response(status_code=204)  # nobody reads it
    except HubError:
        await run_in_threadpool(piece.drop)
        raise
    return Response(status_code=204, headers={"tus-resumable": VERSION, "upload-offset": str(piece.offset)})


@router.delete("/{upload_id}", status_code=204, dependencies=[Tus], responses=errors(TusVersionUnsupported))
def cancel_upload(model_id: UUID, upload_id: UUID, user: CurrentUser, session: WriteSession) -> Response:
    """Give it up, or take note of a refused one; nothing of it stays."""
    visible_model(session, user, model_id, change=True)
    uploads.cancel(session, uploads.find(session, model_id, upload_id))
    return Response(status_code=204, headers={"tus-resumable": VERSION})


def _metadata(text: str) -> dict[str, str]:
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise UploadHeaderInvalid(f"`{key}` of Upload-Metadata is not base64 of UTF-8 text.") from None
    return found


def _checksum(text: str) -> tuple[str, bytes] | None:
    if not text:
        return None
    algorithm, _, value = text.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != ALGORITHMS.get(algorithm):
        raise UploadHeaderInvalid(f"`Upload-Checksum` must be one of {', '.join(ALGORITHMS)}, then the base64 digest.")
    return algorithm, digest

"""Expected failures. `code` is stable and documented; `public` leaves the process and says what to do next."""

import logging
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Union
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, create_model
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from starlette.exceptions import HTTPException

from flip_contracts.wire import Problem

log = logging.getLogger(__name__)


class HubError(Exception):
    code: ClassVar[str] = "hub_error"
    status: ClassVar[int] = 400
    public: ClassVar[str] = "The request cannot be met."
    code_pattern: ClassVar[str] = ""  # of an error that carries another's code

    def __init__(self, message: str | None = None, **details: Any):
        self.message = message or self.public
        self.details = details
        super().__init__(self.message)


class NotAuthenticated(HubError):
    code, status = "not_authenticated", 401
    public = "Log in, or send a valid token as `Authorization: Bearer …`."


class Forbidden(HubError):
    """Says which permission is missing and who has it. Only for what the asker may know of; else `NotFound`."""

    code, status = "forbidden", 403
    public = "Your role does not allow this. The message names the permission, and the roles that have it."


class NotFound(HubError):
    code, status = "not_found", 404
    public = "There is no such thing, or it is not yours to see."


class TrustUnknown(HubError):
    code, status = "trust_unknown", 422
    public = "One of these trusts does not exist. `GET /api/v1/trusts` lists them."


class Conflict(HubError):
    code, status = "conflict", 409
    public = "Somebody else changed this at the same moment. Look again and retry."


class FieldInvalid(HubError):
    code, status = "field_invalid", 422
    public = "A field has a value that cannot be; the message says which would."


class RequestInvalid(HubError):
    code, status = "invalid_request", 422
    public = "The request does not have the documented shape; `details.fields` says where."


class RequestTooLarge(HubError):
    code, status = "request_too_large", 413
    public = "The request is too large; `details.limit_bytes` is the most."


class NoSuchRoute(HubError):
    code, status = "http_error", 404
    public = "There is no such address or method. `flip-hub openapi` lists them."


class Internal(HubError):
    code, status = "internal", 500
    public = "Unexpected failure; the hub's log has it under the request id."


class Unavailable(HubError):
    code, status = "unavailable", 503
    public = "The hub does not reach its database at this moment. Try again in a few seconds."


def errors(*kinds: type[HubError]) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of an endpoint: the failures it may answer with, each typed by its code.

    What every endpoint may answer (401, 413, 422 `invalid_request`, ...) is added by `flip_hub.openapi`.
    """
    by_status: dict[int | str, list[type[HubError]]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.code):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": " ".join(f"`{kind.code}`: {kind.public}" for kind in found),
            "model": Union[tuple(schema(kind) for kind in found)],  # noqa: UP007  the members are known at run time
        }
        for status, found in by_status.items()
    }


@cache
def schema(kind: type[HubError]) -> type[BaseModel]:
    """The problem body with this error's code as a literal, so that a client can tell errors apart by type."""
    code = Annotated[str, Field(pattern=kind.code_pattern)] if kind.code_pattern else Literal[kind.code]
    fields: dict[str, Any] = {"code": (code, ...)}
    return create_model(f"{kind.__name__}Problem", __base__=Problem, __doc__=kind.public, **fields)


def _answer(error: HubError) -> JSONResponse:
    response = problem(error.status, error.code, error.message, error.details)
    if "retry_after_seconds" in error.details:
        response.headers["retry-after"] = str(error.details["retry_after_seconds"])
    return response


def problem(status: int, code: str, message: str, details: dict[str, Any]) -> JSONResponse:
    body = Problem(code=code, message=message, details=details, request_id=uuid4().hex)
    return JSONResponse(body.model_dump(mode="json"), status)


def install_handlers(app: FastAPI) -> None:
    @app.exception_handler(HubError)
    async def expected(_: Request, error: HubError) -> JSONResponse:
        return _answer(error)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        fields = {".".join(map(str, e["loc"])): e["msg"] for e in error.errors()}
        return _answer(RequestInvalid("The request does not have the documented shape.", fields=fields))

    @app.exception_handler(IntegrityError)
    async def raced(_: Request, error: IntegrityError) -> JSONResponse:
        """Two requests made the same thing at the same moment; the database let one through."""
        return _answer(Conflict())

    @app.exception_handler(DataError)
    async def unstorable(_: Request, error: DataError) -> JSONResponse:
        """A value that the database cannot hold: a NUL character in a text, a number beyond 64 bits."""
        return _answer(RequestInvalid("A value holds a character or number that cannot be stored."))

    @app.exception_handler(OperationalError)
    async def away(_: Request, error: OperationalError) -> JSONResponse:
        """The database restarts or is out of connections; nothing of the request has happened."""
        log.warning("a request found no database: %s", type(error.orig).__name__)
        return _answer(Unavailable(retry_after_seconds=2))

    @app.exception_handler(HTTPException)
    async def routing(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == RequestTooLarge.status:
            return _answer(RequestTooLarge())
        return problem(error.status_code, NoSuchRoute.code, str(error.detail), {})

    @app.exception_handler(Exception)
    async def bug(_: Request, error: Exception) -> JSONResponse:
        answer = _answer(Internal())
        log.error("unexpected failure, answered with %s", bytes(answer.body).decode(), exc_info=error)
        return answer

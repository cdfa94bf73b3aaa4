"""Expected failures. `code` is stable and documented; `public` leaves the process and says what to do next."""

import logging
from functools import cache
from typing import Any, ClassVar, Literal, Union
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, create_model
from sqlalchemy.exc import DataError, IntegrityError
from starlette.exceptions import HTTPException

from flip_contracts.wire import Problem

log = logging.getLogger(__name__)


class HubError(Exception):
    code: ClassVar[str] = "hub_error"
    status: ClassVar[int] = 400
    public: ClassVar[str] = "The request cannot be met."

    def __init__(self, message: str | None = None, **details: Any):
        self.message = message or self.public
        self.details = details
        super().__init__(self.message)


class NotAuthenticated(HubError):
    code, status = "not_authenticated", 401
    public = "Log in, or send a valid token as `Authorization: Bearer …`."


class LoginFailed(HubError):
    code, status = "login_failed", 401
    public = "E-mail or password is wrong."


class Forbidden(HubError):
    code, status = "forbidden", 403
    public = "Your role does not allow this. Ask an admin."


class NotFound(HubError):
    code, status = "not_found", 404
    public = "There is no such thing, or it is not yours to see."


class TrustUnknown(HubError):
    code, status = "trust_unknown", 422
    public = "One of these trusts does not exist. `GET /api/v1/trusts` lists them."


class Conflict(HubError):
    code, status = "conflict", 409


class FieldInvalid(HubError):
    code, status = "field_invalid", 422


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
    return create_model(
        f"{kind.__name__}Problem", __base__=Problem, __doc__=kind.public, code=(Literal[kind.code], ...)
    )


def problem(status: int, code: str, message: str, details: dict[str, Any]) -> JSONResponse:
    body = Problem(code=code, message=message, details=details, request_id=uuid4().hex)
    return JSONResponse(body.model_dump(mode="json"), status)


def install_handlers(app: FastAPI) -> None:
    @app.exception_handler(HubError)
    async def expected(_: Request, error: HubError) -> JSONResponse:
        return problem(error.status, error.code, error.message, error.details)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        fields = {".".join(map(str, e["loc"])): e["msg"] for e in error.errors()}
        return problem(422, "invalid_request", "The request does not have the documented shape.", {"fields": fields})

    @app.exception_handler(IntegrityError)
    async def raced(_: Request, error: IntegrityError) -> JSONResponse:
        """Two requests made the same thing at the same moment; the database let one through."""
        return problem(409, "conflict", "Somebody else changed this at the same moment. Look again and retry.", {})

    @app.exception_handler(DataError)
    async def unstorable(_: Request, error: DataError) -> JSONResponse:
        """A value that the database cannot hold: a NUL character in a text, a number beyond 64 bits."""
        return problem(422, "invalid_request", "A value holds a character or number that cannot be stored.", {})

    @app.exception_handler(HTTPException)
    async def routing(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "http_error", str(error.detail), {})

    @app.exception_handler(Exception)
    async def bug(_: Request, error: Exception) -> JSONResponse:
        answer = problem(500, "internal", "Unexpected failure; the hub's log has it under the request id.", {})
        log.error("unexpected failure, answered with %s", bytes(answer.body).decode(), exc_info=error)
        return answer

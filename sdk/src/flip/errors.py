"""Every error the SDK raises on purpose. Catch `FlipError`, or one of its classes; `code` is stable."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flip import protocol


class FlipError(Exception):
    """An expected failure. The message says what to do about it.

    Attributes
    ----------
    code : stable snake_case name of the failure; the platform's own where it answered with one.
    details : further facts from the platform; never patient values.
    """

    default_code: ClassVar[str] = "flip_error"

    def __init__(self, message: str, *, code: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code: str = code or self.default_code
        self.details: dict[str, Any] = details or {}


class CohortTooSmall(FlipError):
    """The trust does not hand out a cohort of so few people."""

    default_code = protocol.CODE_COHORT_TOO_SMALL


class AccessionNotFound(FlipError):
    """The accession is not in this project's cohort at this trust, or has no images there."""

    default_code = protocol.CODE_ACCESSION_NOT_FOUND


class ResourceMissing(FlipError):
    """The accession is there, but not in the resource type that was asked for. Skip it and go on."""

    default_code = protocol.CODE_RESOURCE_MISSING


class FileNotDelivered(FlipError):
    """`[tool.flip.files]` of the app does not send this file to this side, or it is not in the app's folder."""

    default_code = "file_not_delivered"


class NotApproved(FlipError):
    """The trust has not approved this project, or has withdrawn its approval."""

    default_code = protocol.CODE_NOT_APPROVED


class CohortQueryMismatch(FlipError):
    """The query is neither `*` nor the approved one. The cohort of an approved project is frozen."""

    default_code = protocol.CODE_QUERY_MISMATCH


class NotAvailableHere(FlipError):
    """The call belongs to the other side: a ServerApp sees no patient data, a ClientApp reports no status."""

    default_code = "not_available_here"


class PlatformUnavailable(FlipError):
    """The platform did not answer, or answered with an error of its own."""

    default_code = "platform_unavailable"


class TokenRefused(FlipError):
    """The run's token is not, or no longer, valid: the run has ended or was stopped."""

    default_code = protocol.CODE_TOKEN_REFUSED


class LocalDataMissing(FlipError):
    """Local development without its data: names the variable to set or the folder that was expected."""

    default_code = "local_data_missing"


class InvalidArgument(FlipError, ValueError):
    """A value that no platform would accept."""

    default_code = "invalid_argument"


_BY_CODE: Final[dict[str, type[FlipError]]] = {
    cls.default_code: cls
    for cls in (
        CohortTooSmall,
        AccessionNotFound,
        ResourceMissing,
        NotApproved,
        CohortQueryMismatch,
        NotAvailableHere,
        TokenRefused,
    )
}


def error_for(problem: protocol.ProblemBody, status: int) -> FlipError:
    """The error for a problem body: by code; else 5xx and 429 are `PlatformUnavailable`, 401 `TokenRefused`."""
    busy = status >= 500 or status == 429
    fallback = PlatformUnavailable if busy else TokenRefused if status == 401 else FlipError
    return _BY_CODE.get(problem.code, fallback)(problem.message, code=problem.code, details=problem.details)

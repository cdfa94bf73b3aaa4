"""HTTP to a run's local API, with the standard library's client.

Not httpx: `http.client` never looks at proxy variables and still works while the interpreter exits, when the last
metrics are sent and a first import of httpx would fail. It is imported at the first call, since it brings ssl along.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

from flip._environment import Endpoint
from flip.errors import FlipError, PlatformUnavailable, error_for
from flip.protocol import ENV_URL, ProblemBody

log = logging.getLogger("flip")

CONNECT_SECONDS: Final = 5.0
RETRY_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
_BUSY: Final = frozenset({429, 502, 503, 504})


class _NotSent(Exception):
    """The connection was refused: the server has seen nothing, so every call may be tried again."""


class _Interrupted(Exception):
    """The connection broke after the request went out: only a safe call may be tried again."""


def request(
    endpoint: Endpoint,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    content: bytes | None = None,
    read_seconds: float = 30.0,
    safe: bool = False,
    pauses: tuple[float, ...] | None = None,
) -> Any:
    """Do one call and return the parsed JSON answer, or None for an empty one. It sends `body` as JSON, or `content`.

    `safe` means that doing it twice is the same as doing it once; only then is an interrupted call retried.
    Raises the `FlipError` of the answer's code, or `PlatformUnavailable`.
    """
    target = f"{path}?{urlencode(query)}" if query else path
    payload = content if body is None else json.dumps(body, allow_nan=False).encode()
    kind = "application/json" if content is None else "application/octet-stream"
    for pause in (*(RETRY_PAUSES if pauses is None else pauses), None):
        try:
            status, raw = _once(endpoint, method, target, payload, kind, read_seconds)
        except _NotSent:
            failure: FlipError = PlatformUnavailable(
                "The platform's local service refused the connection. The run may be ending; "
                "if it happens again, tell the operator."
            )
        except _Interrupted:
            failure = PlatformUnavailable("The platform's local service did not answer in time.")
            if not safe:
                raise failure from None
        else:
            if status < 400:
                return _parse(raw)
            failure = _failure(status, raw)
            if not (safe and status in _BUSY):
                raise failure
        if pause is None:
            raise failure
        log.debug("the platform did not answer; trying again", extra={"path": path})
        time.sleep(pause)
    raise AssertionError("unreachable")


def _once(
    endpoint: Endpoint, method: str, target: str, payload: bytes | None, content_type: str, read_seconds: float
) -> tuple[int, bytes]:
    import http.client

    parts = urlsplit(endpoint.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=min(CONNECT_SECONDS, read_seconds))
    except (ValueError, http.client.InvalidURL):
        raise PlatformUnavailable(f"{ENV_URL} is not a web address.", code="invalid_environment") from None
    try:
        try:
            connection.connect()
        except OSError as exc:
            raise _NotSent from exc
        if connection.sock is not None:
            connection.sock.settimeout(read_seconds)
        headers = {"Authorization": f"Bearer {endpoint.run_token}", "Accept": "application/json"}
        if payload is not None:
            headers["Content-Type"] = content_type
        try:
            connection.request(method, parts.path + target, body=payload, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as exc:
            raise _Interrupted from exc
    finally:
        connection.close()


def _parse(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        raise PlatformUnavailable("The platform's local service answered with something else.") from None


def _failure(status: int, raw: bytes) -> FlipError:
    try:
        parsed: Any = json.loads(raw)
        if isinstance(parsed, dict):
            return error_for(ProblemBody.from_json(cast("dict[str, Any]", parsed)), status)
    except (ValueError, KeyError, TypeError):
        pass  # not our problem body: the text of a stranger is not repeated
    problem = ProblemBody("unexpected_answer", f"The platform's local service answered HTTP {status}.")
    return error_for(problem, status)

"""The two doors of a SuperLink: loopback (Control and Runtime, guarded) and Fleet (what trusts reach, nothing else)."""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]

# A ServerApp's own token would let it schedule a FAB that nobody checked (flower-notes 4.3).
FORBIDDEN_PATHS = frozenset({"/v1/runtime/start-automation", "/v1/control/start-automation"})


async def _answer(send: Any, status: int, text: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text})


def loopback_door(app: Asgi, control_token: str) -> Asgi:
    """Control needs the FL API's token; scheduling runs from within a run is refused."""
    expected = f"Bearer {control_token}".encode()

    async def door(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            path = scope["path"].rstrip("/")
            if path in FORBIDDEN_PATHS:
                return await _answer(send, 403, b"Starting runs from within a run is refused.")
            if path.startswith("/v1/control"):
                given = dict(scope["headers"]).get(b"authorization", b"")
                if not hmac.compare_digest(given, expected):
                    return await _answer(send, 403, b"The Control API is for the FL API only.")
        await app(scope, receive, send)

    return door


def fleet_door(app: Asgi) -> Asgi:
    """Nothing but /v1/fleet/; everything else looks as if it were not there."""

    async def door(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/v1/fleet/"):
            return await _answer(send, 404, b"Not found.")
        if scope["type"] == "http":
            await app(scope, receive, send)

    return door

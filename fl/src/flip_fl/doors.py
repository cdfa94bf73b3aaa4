"""The two doors of a SuperLink: loopback (Control and Runtime, guarded) and Fleet (what trusts reach, nothing else)."""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]

# What a ServerApp's task and its executor call; the rest of the Runtime API is of no use to them. In particular a
# ServerApp's own token would let it schedule a FAB that nobody checked (flower-notes 4.3).
RUNTIME_CALLS = frozenset(
    {
        *("acquire-task", "send-task-heartbeat", "pull-task-input", "push-task-output", "push-logs", "get-nodes"),
        *("push-messages", "pull-messages", "push-object", "pull-object", "confirm-message-received"),
    }
)


async def _answer(send: Any, status: int, text: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text})


def loopback_door(app: Asgi, control_token: str) -> Asgi:
    """Control needs the FL API's token; of Runtime, only what a ServerApp needs; Fleet has a door of its own."""
    expected = f"Bearer {control_token}".encode()

    async def door(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            path = scope["path"].rstrip("/")
            part, _, call = path.removeprefix("/v1/").partition("/")
            if part == "fleet" or (part == "runtime" and call not in RUNTIME_CALLS) or call == "start-automation":
                return await _answer(send, 403, b"Not from within a run.")
            if part == "control":
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

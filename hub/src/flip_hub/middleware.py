"""What holds for every request. Plain ASGI: a stream passes through without another task or buffer between."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flip_hub.errors import problem

MAX_JSON_BYTES = 8 * 2**20
STREAMED = re.compile(r"/models/[^/]+/(files/|uploads/|bundle$)")


class Bounded:
    """Uploads bound themselves while streaming; everything else is small JSON. No answer is cached or sniffed."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        if STREAMED.search(scope["path"]):
            return await self._app(scope, receive, send_with_headers)
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length) > MAX_JSON_BYTES:
            refused = problem(413, "request_too_large", "The request is too large.", {"limit_bytes": MAX_JSON_BYTES})
            return await refused(scope, receive, send_with_headers)
        received = 0

        async def receive_bounded() -> Message:
            """A body in chunks announces no length."""
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_JSON_BYTES:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_bounded, send_with_headers)

"""Before any page: whose address is asked for, how it came, from which site, and what the browser may load."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flip_trust.page.kit import SAFE_METHODS, Page

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
SMALL_BODY: Final = 64 * 1024


class Guard:
    """A page may loosen the policy of its own answer by setting the header itself."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], secure: bool, pages: tuple[Page, ...]):
        self._app, self._secure, self._pages = app, secure, pages
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
                if self._secure:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Any:
        headers = Headers(scope=scope)
        host = _name(headers.get("host", ""))
        if host not in self._hosts:
            return PlainTextResponse("This page is not served under that name; see FLIP_TRUST_PAGE_HOSTS.\n", 421)
        if self._secure and scope["scheme"] != "https":
            return PlainTextResponse("Ask for this page by HTTPS, through the hospital's proxy if it has one.\n", 403)
        if scope["method"] in SAFE_METHODS:
            return None
        if not _same_site(headers):
            return PlainTextResponse("This form was sent by another site.\n", 403)
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > self._largest_body(scope["path"]):
            return PlainTextResponse("This is more than the page takes at once.\n", 413)
        return None

    def _largest_body(self, path: str) -> int:
        found = [p.largest_body for p in self._pages if path == p.path or path.startswith(f"{p.path}/")]
        return max(found, default=SMALL_BODY)


def _name(host: str) -> str:
    """Without the port; `[::1]` keeps its brackets."""
    end = host.find("]") + 1 or len(host)
    name, port = host[:end], host[end:]
    return (name if port or name.startswith("[") else name.partition(":")[0]).lower()


def _same_site(headers: Headers) -> bool:
    """Browsers say where a form comes from, in one way or the other; what is no browser has no cookie to misuse."""
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")

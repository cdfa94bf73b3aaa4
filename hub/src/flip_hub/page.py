"""The web page: built files of `ui/dist`, served beside the API from the same origin.

Every path that is neither the API's nor a file answers `index.html`: the page has addresses of its own.
"""

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

# Styles may be inline: the component library and the editor write them. Scripts may not.
POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
FOREVER: Final = "public, max-age=31536000, immutable"  # names below assets/ carry a hash of their content
NOT_BUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>FLIP: the page is not built</title>
<body style="font: 16px/1.6 system-ui; max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem">
<h1 style="font-size: 1.3rem">The web page is not built</h1>
<p>This hub works, and its API answers at <a href="/openapi.json">/openapi.json</a>, but it finds no built page.</p>
<p>From a checkout, run <code>make page</code> (Node 20 and npm). Elsewhere, point <code>FLIP_HUB_PAGE_DIR</code> to the
folder that <code>npm run build</code> made. No restart is needed; reload this address.</p></body></html>"""


def serve_page(app: FastAPI, folder: Path) -> None:
    """Add it last: it answers whatever nothing else does."""

    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str, request: Request) -> Response:
        if path.startswith("api/"):
            raise HTTPException(404, "There is no such endpoint. `/openapi.json` lists them.")
        index = folder / "index.html"
        if not index.is_file():
            return HTMLResponse(NOT_BUILT, 503)
        file = _file(folder, path)
        if file is None and path.startswith("assets/"):
            raise HTTPException(404, "This file is of another version of the page. Reload the page.")
        cache = FOREVER if file and path.startswith("assets/") else "no-cache"
        return _answer(file or index, request, HEADERS | {"cache-control": cache})


def _file(folder: Path, path: str) -> Path | None:
    """The built file of that name, if it is one and lies below `folder`."""
    if not path or "\x00" in path:
        return None
    file = (folder / path).resolve()
    return file if file.is_relative_to(folder.resolve()) and file.is_file() else None


def _answer(file: Path, request: Request, headers: dict[str, str]) -> Response:
    """The build leaves a .gz beside each larger text: compressed once, not per request."""
    packed = file.with_name(file.name + ".gz")
    if packed.is_file() and "gzip" in request.headers.get("accept-encoding", ""):
        kind = FileResponse(file).media_type
        headers = headers | {"content-encoding": "gzip", "vary": "accept-encoding"}
        return FileResponse(packed, headers=headers, media_type=kind)
    return FileResponse(file, headers=headers)

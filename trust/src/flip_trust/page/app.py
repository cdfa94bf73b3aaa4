"""The app of the page: its guard, its pages, and what is shown when something is refused."""

import logging

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from flip_trust.agent import Agent
from flip_trust.errors import TrustError
from flip_trust.page.guard import Guard
from flip_trust.page.kit import FOLDER, LoginNeeded, Node, SetUpNeeded, ensure_csrf, see, show, visitor
from flip_trust.page.login.routes import router as login_router
from flip_trust.page.pages import PAGES
from flip_trust.page.serving import is_secure
from flip_trust.sql.engine import EngineFailed
from flip_trust.staff.login import Staff

log = logging.getLogger(__name__)


def create_page(agent: Agent, staff: Staff) -> FastAPI:
    secure = is_secure(agent.settings)
    app = FastAPI(title="FLIP trust", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.node = Node(agent, staff, secure, PAGES)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    app.include_router(login_router)
    for page in PAGES:
        app.include_router(page.router, prefix=page.path, dependencies=[Depends(visitor), Depends(ensure_csrf)])

    @app.get("/", dependencies=[Depends(visitor)])
    def start(request: Request) -> Response:
        return see(request, PAGES[0].path)

    @app.exception_handler(LoginNeeded)
    def to_login(request: Request, _: Exception) -> Response:
        if request.method != "GET":
            return see(request, "/login", "You were away for too long, so nothing was changed. Log in again.")
        path = request.url.path
        return see(request, "/login" if path == "/" else f"/login?next={path}")

    @app.exception_handler(SetUpNeeded)
    def to_set_up(request: Request, _: Exception) -> Response:
        return see(request, "/account")

    @app.exception_handler(TrustError)
    def refused(request: Request, error: TrustError) -> Response:
        return show(request, "problem.html", error.status, title="That was refused", text=error.public, code=error.code)

    @app.exception_handler(EngineFailed)
    def no_answer(request: Request, error: EngineFailed) -> Response:
        text, title = error.message, "The OMOP database gave no answer"
        return show(request, "problem.html", 503, title=title, text=text, code=error.code)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, _: Exception) -> Response:
        text = "Something in this form or address is missing or is not what it should be. Nothing was changed."
        return show(request, "problem.html", 422, title="This was not understood", text=text, code="invalid_request")

    @app.exception_handler(HTTPException)
    def missing(request: Request, error: HTTPException) -> Response:
        text = "The address may be mistyped, or what it named is gone."
        return show(request, "problem.html", error.status_code, title="There is no such page", text=text, code="")

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        log.error("the page failed at %s: %s", getattr(request.scope.get("route"), "path", "?"), type(error).__name__)
        text = "This is our mistake. The agent's log names its kind; nothing was half done."
        return show(request, "problem.html", 500, title="The page failed", text=text, code="internal")

    app.add_middleware(Guard, hosts=agent.settings.page_hosts, secure=secure, pages=PAGES)
    return app

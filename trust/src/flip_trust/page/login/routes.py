"""Login, the account's first set-up, logout. The only pages that are open to somebody who is not logged in."""

import segno
from fastapi import APIRouter, Depends, Form, Request, Response
from markupsafe import Markup

from flip_trust.errors import TrustError
from flip_trust.page.kit import AnyVisit, NodeHere, end_session, ensure_csrf, inside, see, set_session, show
from flip_trust.staff import totp
from flip_trust.staff.login import Visit

router = APIRouter()


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


@router.get("/login")
def ask_login(request: Request, next: str = "/") -> Response:
    return show(request, "login/login.html", next=inside(next), login="", wrong="")


@router.post("/login")
def log_in(
    request: Request,
    node: NodeHere,
    login: str = Form(max_length=200),
    password: str = Form(max_length=2000),
    code: str = Form("", max_length=20),
    next: str = Form("/", max_length=500),
) -> Response:
    try:
        token = node.staff.log_in(login, password, code, _address(request))
    except TrustError as error:
        return show(request, "login/login.html", error.status, next=inside(next), login=login, wrong=error.public)
    response = see(request, inside(next))
    set_session(response, node, token)
    return response


@router.get("/account")
def ask_set_up(request: Request, visit: AnyVisit, node: NodeHere) -> Response:
    return see(request, "/") if not visit.setting_up else _set_up(request, visit, node)


def _set_up(request: Request, visit: Visit, node: NodeHere, wrong: str = "", status: int = 200) -> Response:
    uri = totp.uri(visit.secret, visit.login, node.agent.store.identity().get("name", "trust"))
    picture = segno.make(uri, error="m").svg_inline(border=3, dark="#000", light="#fff", omitsize=True)
    picture = picture.replace("<svg ", '<svg role="img" aria-label="QR code of the authenticator secret" ', 1)
    spaced = " ".join(visit.secret[i : i + 4] for i in range(0, len(visit.secret), 4))
    return show(request, "login/account.html", status, picture=Markup(picture), secret=spaced, wrong=wrong)


@router.post("/account", dependencies=[Depends(ensure_csrf)])
def set_up(
    request: Request,
    visit: AnyVisit,
    node: NodeHere,
    password: str = Form(max_length=1000),
    again: str = Form(max_length=1000),
    code: str = Form(max_length=20),
) -> Response:
    if not visit.setting_up:
        return see(request, "/")
    if password != again:
        return _set_up(request, visit, node, "The two passwords differ.", 422)
    try:
        token = node.staff.finish(visit, password, code, _address(request))
    except TrustError as error:
        return _set_up(request, visit, node, error.public, error.status)
    response = see(request, "/", "Your account is set up.")
    set_session(response, node, token)
    return response


@router.post("/logout", dependencies=[Depends(ensure_csrf)])
def log_out(request: Request, visit: AnyVisit, node: NodeHere) -> Response:
    node.staff.log_out(visit)
    response = see(request, "/login", "You are logged out.")
    end_session(response, node)
    return response

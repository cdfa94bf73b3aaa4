"""Log in at your organisation: two addresses that a browser visits. A failure ends at the login page with its code."""

import json
import secrets
from dataclasses import astuple
from typing import Annotated, Final

from fastapi import Query, Request
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.db import Database
from flip_hub.errors import HubError
from flip_hub.invitations.service import accept_by_login
from flip_hub.keys import SecretBox
from flip_hub.login import sessions
from flip_hub.login.provider import Asked, Identity, OidcFailed, Provider
from flip_hub.login.routes import set_session_cookie
from flip_hub.routing import Router
from flip_hub.settings import HubSettings
from flip_hub.users.service import add_user
from flip_hub.users.tables import User

router = Router(prefix="/auth/oidc", tags=["login"])
WAITING_COOKIE: Final = "flip_oidc"
WAITING_PATH: Final = "/api/v1/auth/oidc"
WAITING_SECONDS: Final = 600
Text = Annotated[str, Query(max_length=2000)]


class OidcOff(HubError):
    code, status = "oidc_off", 404
    public = "This hub has no login at an organisation. Log in with e-mail and password."


class OidcNoAccount(HubError):
    code, status = "oidc_no_account", 403
    public = "Your organisation knows you, this hub does not yet. Ask its admin for an invitation to this e-mail."


@router.get("/start", status_code=303, response_class=RedirectResponse)
def start_oidc_login(request: Request, next: Text = "/") -> RedirectResponse:
    """Send the browser to the organisation's login. It comes back to `next`, an address of this page."""
    settings: HubSettings = request.app.state.settings
    try:
        url, asked = _provider(request).begin()
    except HubError as error:
        return _failed(settings, error)
    box: SecretBox = request.app.state.secrets
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        WAITING_COOKIE,
        box.seal(json.dumps([*astuple(asked), _local(next)])),
        max_age=WAITING_SECONDS,
        path=WAITING_PATH,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/callback", status_code=303, response_class=RedirectResponse)
def finish_oidc_login(request: Request, state: Text = "", code: Text = "") -> RedirectResponse:
    """Where the organisation sends the browser back to. Opens a session and goes to the page."""
    settings: HubSettings = request.app.state.settings
    box: SecretBox = request.app.state.secrets
    database: Database = request.app.state.database
    try:
        provider = _provider(request)
        waiting = box.open(request.cookies.get(WAITING_COOKIE, ""), WAITING_SECONDS)
        if waiting is None:
            raise OidcFailed
        *parts, place = json.loads(waiting)
        asked = Asked(*parts)
        if not code or not secrets.compare_digest(state.encode(), asked.state.encode()):
            raise OidcFailed
        identity = provider.finish(asked, code)
        with database.session() as session:
            user = _account(session, settings, identity)
            opened = sessions.open_login(session, settings, user, cookie=True, next_=None)
    except HubError as error:
        with database.session() as session:
            record(session, "anonymous", "user.login_failed", "oidc", code=error.code)
        return _failed(settings, error)
    answer = RedirectResponse(place, 303)
    set_session_cookie(answer, settings, opened)
    _forget(settings, answer)
    return answer


def _provider(request: Request) -> Provider:
    if not request.app.state.settings.oidc_issuer:
        raise OidcOff
    return request.app.state.oidc


def _account(session: Session, settings: HubSettings, who: Identity) -> User:
    """Known by subject; else by an e-mail that the provider has verified: an account, an invitation, or a newcomer."""
    user = session.scalar(select(User).where(User.oidc_subject == who.subject))
    if user is None and who.email:
        user = session.scalar(select(User).where(User.email == who.email, User.oidc_subject.is_(None)))
        user = user or accept_by_login(session, who.email, who.name)
        if user is None and settings.oidc_new_role:
            user = add_user(session, "oidc", who.email, who.name[:100], settings.oidc_new_role, None, ())
        if user is not None:
            user.oidc_subject = who.subject
            record(session, str(user.id), "user.oidc_linked", str(user.id))
    if user is None or not user.is_active:
        raise OidcNoAccount
    return user


def _local(place: str) -> str:
    """Only an address of this page: a login must not end on a stranger's."""
    is_local = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if is_local else "/"


def _failed(settings: HubSettings, error: HubError) -> RedirectResponse:
    answer = RedirectResponse(f"/login?error={error.code}", 303)
    _forget(settings, answer)
    return answer


def _forget(settings: HubSettings, answer: RedirectResponse) -> None:
    secure = settings.secure_cookies
    answer.delete_cookie(WAITING_COOKIE, path=WAITING_PATH, secure=secure, httponly=True, samesite="lax")

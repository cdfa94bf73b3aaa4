"""Log in and out, the second factor, passwords, and one's own tokens."""

from uuid import UUID

from fastapi import Request, Response

from flip_hub.auth import COOKIE, SECURE_COOKIE, CurrentLogin, FullLogin, cookie_of, csrf_token, may
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import errors
from flip_hub.invitations import service as invitations
from flip_hub.invitations.service import InvitationInvalid
from flip_hub.login import service, sessions, totp
from flip_hub.login.passwords import PasswordTooWeak
from flip_hub.login.schemas import (
    CodeOnly,
    EnrolmentRead,
    InvitationAccept,
    LoginMethodsRead,
    LoginRead,
    LoginRequest,
    OidcMethod,
    PasswordChange,
    RecoveryCodesRead,
    ResetConfirm,
    ResetRequest,
    SessionRead,
    TokenCreate,
    TokenCreated,
    TokenRead,
    TotpConfirm,
)
from flip_hub.login.service import CodeInvalid, LoginFailed, PasswordWrong
from flip_hub.login.sessions import ScopeNotYours, TokenTooLong, TooManyTokens
from flip_hub.login.throttle import Bound, TooManyTries, count_try, forget_tries
from flip_hub.login.totp import EnrolmentExpired, TotpNotSetUp, TotpRequired, TotpWrong
from flip_hub.permissions import PERMISSIONS
from flip_hub.routing import Router
from flip_hub.settings import HubSettings
from flip_hub.users.schemas import read_user
from flip_hub.users.service import EmailTaken
from flip_hub.users.tables import ApiToken, User

router = Router(tags=["login"])


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def set_session_cookie(response: Response, settings: HubSettings, opened: sessions.Opened) -> None:
    response.set_cookie(
        SECURE_COOKIE if settings.secure_cookies else COOKIE,
        opened.token,
        max_age=settings.token_hours * 3600,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


@router.get("/auth/methods")
def get_login_methods(request: Request) -> LoginMethodsRead:
    """What the login page offers."""
    settings: HubSettings = request.app.state.settings
    oidc = OidcMethod(name=settings.oidc_name, start="/api/v1/auth/oidc/start") if settings.oidc_issuer else None
    return LoginMethodsRead(totp_required=settings.require_totp, access_requests=settings.access_requests, oidc=oidc)


@router.post("/auth/login", responses=errors(LoginFailed, TotpRequired, TotpWrong, TooManyTries))
def login(body: LoginRequest, request: Request, response: Response) -> LoginRead:
    """Log in by password, and by `code` where the account has an authenticator."""
    state, settings = request.app.state, request.app.state.settings
    user, opened = service.login(
        state.database,
        state.secrets,
        settings,
        body.email,
        body.password,
        body.code,
        body.cookie,
        address_of(request),
    )
    if body.cookie:
        set_session_cookie(response, settings, opened)
    with state.database.session() as session:
        return LoginRead.model_validate(
            {
                "token": None if body.cookie else opened.token,
                "csrf_token": csrf_token(opened.token) if body.cookie else None,
                "expires_at": opened.row.expires_at,
                "next": opened.row.restricted or None,
                "user": read_user(session, user),
            }
        )


@router.get("/auth/session")
def get_session(login: CurrentLogin, session: ReadSession, request: Request) -> SessionRead:
    """This login: who, until when, and what it may do. A page that was reloaded finds its `csrf_token` here."""
    user, row = login
    return SessionRead.model_validate(
        {
            "kind": row.kind,
            "csrf_token": csrf_token(cookie_of(request)) if row.kind == "session" else None,
            "expires_at": row.expires_at,
            "next": row.restricted or None,
            "user": read_user(session, user),
            "permissions": [name for name in PERMISSIONS if may(user, name)] if not row.restricted else [],
            "has_password": user.password_hash is not None,
            "has_totp": user.totp_confirmed_at is not None,
            "recovery_codes_left": totp.recovery_codes_left(session, user),
        }
    )


@router.post("/auth/logout", status_code=204)
def logout(login: CurrentLogin, session: WriteSession, request: Request) -> Response:
    """The token or cookie of this request is not valid any more."""
    service.logout(session, *login)
    response = Response(status_code=204)
    settings: HubSettings = request.app.state.settings
    name = SECURE_COOKIE if settings.secure_cookies else COOKIE
    response.delete_cookie(name, path="/", secure=settings.secure_cookies, httponly=True, samesite="lax")
    return response


@router.post("/auth/password", status_code=204, responses=errors(PasswordWrong, PasswordTooWeak, TooManyTries))
def change_password(body: PasswordChange, login: CurrentLogin, session: WriteSession, request: Request) -> Response:
    """Choose a new password. Every other login of yours ends; API tokens stay."""
    settings, (user, row) = request.app.state.settings, login
    bound = Bound("password", str(user.id), settings.login_tries, settings.login_lock_minutes)
    count_try(request.app.state.database, bound)
    service.change_password(session, settings, user, row, body.current_password, body.new_password)
    forget_tries(session, bound)
    return Response(status_code=204)


@router.post("/auth/password-reset", status_code=202, response_class=Response, responses=errors(TooManyTries))
def ask_password_reset(body: ResetRequest, request: Request) -> Response:
    """Mail a code to choose a new password. The answer is the same whether or not there is such an account."""
    state = request.app.state
    service.ask_reset(state.database, state.settings, body.email, address_of(request))
    return Response(status_code=202)


@router.post("/auth/password-reset/confirm", status_code=204, responses=errors(CodeInvalid, PasswordTooWeak))
def confirm_password_reset(body: ResetConfirm, session: WriteSession, request: Request) -> Response:
    """Choose a new password with the code of the mail. Every login ends; the authenticator stays."""
    service.reset_password(session, request.app.state.settings, body.code, body.new_password)
    return Response(status_code=204)


@router.post("/auth/totp")
def start_totp(login: CurrentLogin, request: Request) -> EnrolmentRead:
    """Begin to set up an authenticator app. Nothing changes until `POST /auth/totp/confirm`."""
    made = totp.start(request.app.state.secrets, login[0])
    return EnrolmentRead(secret=made.secret, otpauth_uri=made.otpauth_uri, enrolment=made.sealed)


@router.post("/auth/totp/confirm", responses=errors(EnrolmentExpired, TotpRequired, TotpWrong, TooManyTries))
def confirm_totp(body: TotpConfirm, login: CurrentLogin, session: WriteSession, request: Request) -> RecoveryCodesRead:
    """Take the authenticator into use by its first code. An earlier one is replaced by its own code."""
    state, (user, _) = request.app.state, login
    bound = _code_bound(state.settings, user)
    count_try(state.database, bound)
    codes = totp.confirm(session, state.secrets, user, body.enrolment, body.code, body.current_code)
    session.flush()
    sessions.lift_restriction(session, state.settings, user)
    forget_tries(session, bound)
    return RecoveryCodesRead(recovery_codes=codes)


@router.post("/auth/recovery-codes", responses=errors(TotpNotSetUp, TotpRequired, TotpWrong, TooManyTries))
def make_recovery_codes(body: CodeOnly, login: FullLogin, session: WriteSession, request: Request) -> RecoveryCodesRead:
    """Ten new recovery codes; the old ones are void."""
    state, (user, _) = request.app.state, login
    bound = _code_bound(state.settings, user)
    count_try(state.database, bound)
    if user.totp_confirmed_at is None:
        raise TotpNotSetUp
    totp.check(session, state.secrets, user, body.code)
    codes = totp.new_recovery_codes(session, user)
    forget_tries(session, bound)
    return RecoveryCodesRead(recovery_codes=codes)


def _code_bound(settings: HubSettings, user: User) -> Bound:
    return Bound("code", str(user.id), settings.login_tries, settings.login_lock_minutes)


@router.post(
    "/auth/invitations/accept", status_code=204, responses=errors(InvitationInvalid, PasswordTooWeak, EmailTaken)
)
def accept_invitation(body: InvitationAccept, session: WriteSession) -> Response:
    """Make the account of an invitation, with a password of one's own. Then log in."""
    invitations.accept(session, body.code, body.name, body.password)
    return Response(status_code=204)


@router.get("/tokens")
def list_tokens(login: FullLogin, session: ReadSession) -> list[TokenRead]:
    """Your API tokens and open logins, newest first."""
    user, current = login
    return [_read_token(row, current) for row in sessions.tokens_of(session, user)]


@router.post("/tokens", status_code=201, responses=errors(ScopeNotYours, TokenTooLong, TooManyTokens))
def create_token(body: TokenCreate, login: FullLogin, session: WriteSession, request: Request) -> TokenCreated:
    """Make an API token for a script. It may do what its scopes and your role both allow."""
    user, current = login
    settings = request.app.state.settings
    opened = sessions.create_token(session, settings, user, body.name, body.scopes, body.expires_days)
    return TokenCreated(token=opened.token, about=_read_token(opened.row, current))


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: UUID, login: FullLogin, session: WriteSession) -> Response:
    """Revoke an API token, or end one of your logins elsewhere."""
    sessions.revoke(session, login[0], token_id)
    return Response(status_code=204)


def _read_token(row: ApiToken, current: ApiToken) -> TokenRead:
    return TokenRead.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "name": row.name,
            "scopes": row.scopes,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "last_used_at": row.last_used_at,
            "current": row.id == current.id,
        }
    )

"""Logins as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from flip_hub.login.sessions import Next
from flip_hub.permissions import Scope
from flip_hub.users.schemas import Password, PersonName, UserRead

Code = Annotated[str, Field(max_length=100)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LoginRequest(_Request):
    """`code`: six digits of the authenticator app, or a recovery code; asked for by the error `totp_required`.

    `cookie` true (browsers): the login is a cookie, and unsafe requests carry `csrf_token` as X-CSRF-Token.
    `cookie` false (commands, scripts): the login is `token`, sent as `Authorization: Bearer`.
    """

    email: Annotated[str, Field(max_length=254)]
    password: Password
    code: Code = ""
    cookie: bool = False


class LoginRead(BaseModel):
    """`next`: what this login must do before it opens anything else; null: nothing."""

    token: str | None
    csrf_token: str | None
    expires_at: datetime
    next: Next | None
    user: UserRead


class SessionRead(BaseModel):
    """`permissions`: what this login may do, by the names that 403 answers use. `csrf_token` only for a cookie."""

    kind: Literal["session", "login", "token"]
    csrf_token: str | None
    expires_at: datetime
    next: Next | None
    user: UserRead
    permissions: list[str]
    has_password: bool
    has_totp: bool
    recovery_codes_left: int


class OidcMethod(BaseModel):
    """`name` completes "Log in with …"; the browser goes to `start`."""

    name: str
    start: str


class LoginMethodsRead(BaseModel):
    totp_required: bool
    access_requests: bool
    oidc: OidcMethod | None


class PasswordChange(_Request):
    current_password: Password
    new_password: Password


class ResetRequest(_Request):
    email: Annotated[str, Field(max_length=254)]


class ResetConfirm(_Request):
    code: Code
    new_password: Password


class InvitationAccept(_Request):
    """`name` empty: as the invitation says."""

    code: Code
    password: Password
    name: PersonName | Literal[""] = ""


class EnrolmentRead(BaseModel):
    """Show `otpauth_uri` as a QR code and `secret` as text; send `enrolment` back with the first code."""

    secret: str
    otpauth_uri: str
    enrolment: str


class TotpConfirm(_Request):
    """`current_code`: of the authenticator that is replaced, if there is one."""

    enrolment: Annotated[str, Field(max_length=2000)]
    code: Code
    current_code: Code = ""


class CodeOnly(_Request):
    code: Code


class RecoveryCodesRead(BaseModel):
    """Shown this once. Each stands in for the authenticator once."""

    recovery_codes: list[str]


class TokenCreate(_Request):
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^<>\x00-\x1f]+$")]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3)]
    expires_days: Annotated[int, Field(ge=1, le=36_500)] = 90


class TokenRead(BaseModel):
    """`kind`: `token` for scripts; `session` and `login` are browsers and `flip login`. `current`: of this request."""

    id: UUID
    kind: Literal["session", "login", "token"]
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    current: bool


class TokenCreated(BaseModel):
    """`token` is shown this once."""

    token: str
    about: TokenRead

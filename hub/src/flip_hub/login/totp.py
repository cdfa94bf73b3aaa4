"""The second factor: six digits of an authenticator app (TOTP, RFC 6238), or a recovery code in their place."""

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.auth import sha256
from flip_hub.db import now
from flip_hub.errors import HubError
from flip_hub.keys import SecretBox
from flip_hub.login.tables import RecoveryCode
from flip_hub.users.tables import User

ISSUER: Final = "FLIP"
STEP_SECONDS: Final = 30
NEIGHBOURS: Final = (0, -1, 1)  # clocks differ and people type slowly: one step to either side, as RFC 6238 5.2 advises
RECOVERY_CODES: Final = 10
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alikes; 10 of these are 49 bits
ENROL_SECONDS: Final = 15 * 60


class TotpRequired(HubError):
    code, status = "totp_required", 401
    public = "Send the six digits of your authenticator app, or a recovery code, as `code` too."


class TotpWrong(HubError):
    code, status = "totp_wrong", 401
    public = "This code is wrong or already used. Wait for the next one; check that your phone's clock is right."


class EnrolmentExpired(HubError):
    code, status = "enrolment_expired", 409
    public = "Too much time has passed, or this is another account's. Start setting up the authenticator again."


class TotpNotSetUp(HubError):
    code, status = "totp_not_set_up", 409
    public = "This account has no authenticator. Set one up first."


@dataclass(frozen=True)
class Enrolment:
    """`sealed` comes back with the first code; until then nothing has changed."""

    secret: str
    otpauth_uri: str
    sealed: str


def start(box: SecretBox, user: User) -> Enrolment:
    secret = random_base32()
    uri = TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
    return Enrolment(secret, uri, box.seal(json.dumps([str(user.id), secret])))


def confirm(session: Session, box: SecretBox, user: User, sealed: str, code: str, current_code: str) -> list[str]:
    """Take the new authenticator into use and return new recovery codes. An old one is replaced with its own code."""
    opened = box.open(sealed, ENROL_SECONDS)
    owner, secret = json.loads(opened) if opened else ("", "")
    if owner != str(user.id):
        raise EnrolmentExpired
    if user.totp_confirmed_at is not None:
        check(session, box, user, current_code)
    step = _step_of(secret, code, now())
    if step is None:
        raise TotpWrong
    user.totp_secret, user.totp_confirmed_at, user.totp_last_step = box.seal(secret), now(), step
    record(session, str(user.id), "user.totp_set_up", str(user.id))
    return new_recovery_codes(session, user)


def check(session: Session, box: SecretBox, user: User, code: str) -> None:
    """`TotpRequired` or `TotpWrong` unless the code is right. Each code works once; `user` is locked for that."""
    if not code:
        raise TotpRequired
    session.refresh(user, with_for_update={"key_share": True})
    step = _step_of(box.open(user.totp_secret or "") or "", code, now())
    if step is not None and step > (user.totp_last_step or 0):
        user.totp_last_step = step
    elif not _use_recovery_code(session, user, code):
        raise TotpWrong


def new_recovery_codes(session: Session, user: User) -> list[str]:
    """Ten new ones, shown this once; the old ones are void."""
    if user.totp_confirmed_at is None:
        raise TotpNotSetUp
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    session.add_all(RecoveryCode(user_id=user.id, code_sha256=sha256(code)) for code in codes)
    record(session, str(user.id), "user.recovery_codes_made", str(user.id))
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def recovery_codes_left(session: Session, user: User) -> int:
    return session.scalar(select(func.count()).where(RecoveryCode.user_id == user.id)) or 0


def forget(session: Session, user: User) -> None:
    user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def _use_recovery_code(session: Session, user: User, code: str) -> bool:
    plain = code.strip().lower().replace("-", "")
    used = session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user.id, RecoveryCode.code_sha256 == sha256(plain))
        .returning(RecoveryCode.code_sha256)
    ).one_or_none()
    if used:
        record(session, str(user.id), "user.recovery_code_used", str(user.id))
    return used is not None


def _step_of(secret: str, code: str, at: datetime) -> int | None:
    """The time step that this code belongs to."""
    totp, step = TOTP(secret), int(at.timestamp()) // STEP_SECONDS
    typed = code.replace(" ", "").encode()
    for neighbour in NEIGHBOURS if secret else ():
        if hmac.compare_digest(totp.generate_otp(step + neighbour).encode(), typed):
            return step + neighbour
    return None

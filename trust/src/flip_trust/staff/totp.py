"""The second factor: six digits of an authenticator app (TOTP, RFC 6238)."""

import hmac
from typing import Final

from pyotp import random_base32
from pyotp.totp import TOTP

STEP_SECONDS: Final = 30
NEIGHBOURS: Final = (0, -1, 1)  # RFC 6238 5.2: clocks differ and people type slowly


def new_secret() -> str:
    return random_base32()


def uri(secret: str, login: str, trust: str) -> str:
    """What the QR code says."""
    return TOTP(secret).provisioning_uri(name=login, issuer_name=f"FLIP {trust}")


def step_of(secret: str, code: str, at: float) -> int | None:
    """The time step that this code belongs to; None for a wrong one."""
    totp, step = TOTP(secret), int(at) // STEP_SECONDS
    typed = code.replace(" ", "").encode()
    for neighbour in NEIGHBOURS if secret else ():
        if hmac.compare_digest(totp.generate_otp(step + neighbour).encode(), typed):
            return step + neighbour
    return None

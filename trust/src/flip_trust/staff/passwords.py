"""What makes a password good enough, and how it is kept: argon2id."""

import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from flip_trust.staff.errors import PasswordTooWeak

MIN_CHARACTERS: Final = 12
ENOUGH: Final = 3  # of zxcvbn's 0 to 4: beyond what a throttled login lets anybody guess
MEASURED_CHARACTERS: Final = 72  # zxcvbn's time grows with the length

hasher = PasswordHasher()  # argon2id, RFC 9106 low-memory profile


def hashed(password: str, login: str) -> str:
    """Raises `PasswordTooWeak`."""
    if len(password) < MIN_CHARACTERS:
        raise PasswordTooWeak(f"A password has {MIN_CHARACTERS} characters or more.")
    measured = zxcvbn(password[:MEASURED_CHARACTERS], user_inputs=[login, "flip", "trust"])
    if measured["score"] < ENOUGH:
        why = measured["feedback"]["warning"] or "This is a common pattern."
        raise PasswordTooWeak(f"This password is too easy to guess. {why} Four random words make a good one.")
    return hasher.hash(password)


def is_right(password_hash: str | None, password: str) -> bool:
    """Takes as long for an account that is missing as for a wrong password."""
    try:
        return hasher.verify(password_hash or _dummy(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _dummy() -> str:
    return hasher.hash(secrets.token_hex(16))

"""What makes a password good enough, and how it is kept."""

import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from flip_hub.errors import FieldInvalid

MIN_CHARACTERS: Final = 12
MAX_CHARACTERS: Final = 1000
ENOUGH: Final = 3  # zxcvbn's scale of 0 to 4: 3 withstands 10^8 guesses, beyond any throttled login
MEASURED_CHARACTERS: Final = 72  # its time grows with the length; what is longer is not weaker

hasher = PasswordHasher()  # argon2id, RFC 9106 low-memory profile


class PasswordTooWeak(FieldInvalid):
    code = "password_too_weak"
    public = f"Choose a password of {MIN_CHARACTERS} characters or more that nobody would guess: four random words do."


def hashed(password: str, *known: str) -> str:
    """The argon2id hash, or `PasswordTooWeak`. `known`: what others know about the person, such as the e-mail."""
    if len(password) < MIN_CHARACTERS:
        raise PasswordTooWeak(f"A password has {MIN_CHARACTERS} characters or more.")
    words = [part for text in known for part in (text, *text.replace("@", " ").replace(".", " ").split())]
    measured = zxcvbn(password[:MEASURED_CHARACTERS], user_inputs=words)
    if measured["score"] < ENOUGH:
        warning = measured["feedback"]["warning"] or "This is a common pattern."
        raise PasswordTooWeak(f"This password is too easy to guess. {warning} Four random words make a good one.")
    return hasher.hash(password)


def is_right(password_hash: str | None, password: str) -> bool:
    """Takes as long for an account that is missing or has no password as for a wrong one."""
    try:
        return hasher.verify(password_hash or _dummy(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _dummy() -> str:
    return hasher.hash(secrets.token_hex(16))


def rehashed(password_hash: str, password: str) -> str:
    """The same password hashed as strongly as we do today."""
    return hasher.hash(password) if hasher.check_needs_rehash(password_hash) else password_hash

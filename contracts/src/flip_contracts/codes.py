"""Codes and first passwords that people read, type, paste and hand to a command."""

import secrets
from typing import Final

LOOK_ALIKES: Final = frozenset("0O1Il")
ALPHABET: Final = "".join(
    c for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in LOOK_ALIKES
)
LENGTH: Final = 22  # of 57 letters: 128 bits


def new_code() -> str:
    """Letters and digits only: no command takes it for an option, a double click takes all of it."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))

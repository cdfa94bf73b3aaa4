"""The hub's keys: Ed25519 signs run manifests and FABs, Fernet keeps secrets at rest. Checks of what trusts signed."""

import base64
import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel

from flip_contracts.wire import canonical_bytes


def write_private(path: Path, content: bytes) -> None:
    """Whole or not there, and for nobody else to read; other processes may write the same."""
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(content)
    draft.replace(path)


def ensure_signing_key(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(pem)


class SigningKey:
    def __init__(self, path: Path):
        key: Any = serialization.load_pem_private_key(path.read_bytes(), password=None)
        self._key: Ed25519PrivateKey = key

    def sign(self, message: BaseModel) -> str:
        return base64.b64encode(self._key.sign(canonical_bytes(message))).decode()

    @property
    def public(self) -> str:
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()


def is_signed_by(public_key: str, message: BaseModel, signature: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature), canonical_bytes(message))
    except (InvalidSignature, ValueError):
        return False
    return True


class SecretBox:
    """Encrypts what the hub has to read again: authenticator secrets in the database, the state of an OIDC login.

    The key is made at first use. Hub processes of one database share it, as they share the signing key.
    """

    def __init__(self, path: Path):
        _ensure_secret_key(path)
        self._fernet = Fernet(path.read_bytes())

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str, max_age_seconds: int | None = None) -> str | None:
        """None for what this hub has not sealed, or too long ago."""
        try:
            return self._fernet.decrypt(sealed.encode(), max_age_seconds).decode()
        except (InvalidToken, UnicodeError):
            return None


def _ensure_secret_key(path: Path) -> None:
    """Whole or not there: two processes may start at the same moment."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(Fernet.generate_key())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()

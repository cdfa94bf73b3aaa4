"""Keys made where they are used: the trust's Ed25519 key, one P-384 key a run, the key of the imaging cache."""

import base64
import os
import secrets
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, TypeAdapter

from flip_contracts.messages import RotateRequest
from flip_contracts.wire import canonical_bytes


def write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(content)
    part.replace(path)


class TrustKey:
    """The trust's key, and those before it. Another process may put a new one in its place at any time."""

    def __init__(self, path: Path):
        self._path, self._lock = path, threading.Lock()
        if not path.exists():
            write_private(path, new_private_key())
        self._seen: tuple[int, int] = (0, 0)
        self._key = self._current()

    def _current(self) -> Ed25519PrivateKey:
        with self._lock:
            now = self._path.stat()
            if (now.st_ino, now.st_mtime_ns) != self._seen:
                key: Any = ser.load_pem_private_key(self._path.read_bytes(), password=None)
                self._key, self._seen = key, (now.st_ino, now.st_mtime_ns)
            return self._key

    @property
    def path(self) -> Path:
        return self._path

    @property
    def public(self) -> str:
        return public_text(self._current())

    def sign(self, message: BaseModel) -> str:
        return signature(self._current(), message)

    # --- what older keys signed ---
    @property
    def _history_file(self) -> Path:
        return self._path.with_name("trust-history.json")

    def history(self) -> list[RotateRequest]:
        """Hand-overs, oldest first. Each is signed by the key that went and by the one that came."""
        file = self._history_file
        return HISTORY.validate_json(file.read_bytes()) if file.exists() else []

    def note(self, handover: RotateRequest) -> None:
        write_private(self._history_file, HISTORY.dump_json([*self.history(), handover]))

    def verifies(self, message: BaseModel, signature: str, at: datetime) -> bool:
        """Signed by today's key, or by an older one while that was this trust's.

        Today's key vouches for the one before it, that one for the one before, and so on: nothing that is merely
        written into the history counts.
        """
        trusted = self.public
        if is_signed_by(trusted, message, signature):
            return True
        for handover in reversed(self.history()):
            told = handover.rotation
            if told.public_key != trusted or not is_signed_by(trusted, told, handover.signature_by_new):
                continue
            trusted = told.previous_key
            if is_signed_by(trusted, message, signature):
                return at <= told.old_until
        return False


HISTORY: TypeAdapter[list[RotateRequest]] = TypeAdapter(list[RotateRequest])


def new_private_key() -> bytes:
    """Ed25519, PEM."""
    return Ed25519PrivateKey.generate().private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())


def public_text(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def signature(key: Ed25519PrivateKey, message: BaseModel) -> str:
    return base64.b64encode(key.sign(canonical_bytes(message))).decode()


def is_signed_by(public_key: str, message: BaseModel, signature: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature), canonical_bytes(message))
    except (InvalidSignature, ValueError):
        return False
    return True


def make_node_key() -> tuple[bytes, str]:
    """Private key (OpenSSH) and public key (OpenSSH, ecdsa-sha2-nistp384), as Flower wants them."""
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption())
    return private, key.public_key().public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH).decode()


def secret_key(path: Path) -> bytes:
    """32 random bytes, made at the first call."""
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    return path.read_bytes()

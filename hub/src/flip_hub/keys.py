"""The hub's Ed25519 key: it signs run manifests and FABs. Verification of what trusts signed."""

import base64
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel

from flip_contracts.wire import canonical_bytes


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

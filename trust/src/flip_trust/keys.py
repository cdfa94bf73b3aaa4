"""Keys made where they are used: the trust's Ed25519 key, one P-384 key a run, the key of the imaging cache."""

import base64
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel

from flip_contracts.wire import canonical_bytes


def write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(content)
    part.replace(path)


class TrustKey:
    def __init__(self, path: Path):
        if not path.exists():
            raw = Ed25519PrivateKey.generate().private_bytes(
                ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption()
            )
            write_private(path, raw)
        key: Any = ser.load_pem_private_key(path.read_bytes(), password=None)
        self._key: Ed25519PrivateKey = key

    @property
    def public(self) -> str:
        raw = self._key.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def sign(self, message: BaseModel) -> str:
        return base64.b64encode(self._key.sign(canonical_bytes(message))).decode()


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

"""Certificates for an afternoon: an authority, a server's for an address, a client's."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


class Pki:
    """PEM files: `ca`; `server` and `client` as (certificate, key); `server_bundle` is both in one."""

    def __init__(self, folder: Path, address: str):
        folder.mkdir(parents=True)
        self._folder = folder
        self._ca_key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority of {folder.parent.name}")])
        self._ca = self._sign(name, name, self._ca_key, x509.BasicConstraints(ca=True, path_length=None))
        self.ca = self._write("ca.pem", self._ca.public_bytes(ser.Encoding.PEM))
        self.server, self.client = self._pair("server", address), self._pair("client", address)
        self.server_bundle = self._write("server-bundle.pem", b"".join(f.read_bytes() for f in reversed(self.server)))

    def _pair(self, who: str, address: str) -> tuple[Path, Path]:
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        certificate = self._sign(subject, self._ca.subject, key, names)
        pem = key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
        return self._write(f"{who}.pem", certificate.public_bytes(ser.Encoding.PEM)), self._write(f"{who}.key", pem)

    def _sign(
        self, subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
        return builder.add_extension(extension, critical=False).sign(self._ca_key, hashes.SHA256())

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        return path

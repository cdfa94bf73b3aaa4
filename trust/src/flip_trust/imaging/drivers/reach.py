"""Name, port, TLS: whether an archive can be reached at all, and if not, what exactly is in the way."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from flip_trust.imaging.drivers.faults import Fault, PacsFault
from flip_trust.imaging.drivers.port import Check

CONNECT_SECONDS = 10.0


def client_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """Trusts the system's authorities, or only `ca`; shows our certificate where there is one."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    if cert:
        context.load_cert_chain(cert, key)
    return context


def reach(host: str, port: int, tls: ssl.SSLContext | None) -> Iterator[Check]:
    """One check per layer. Raises PacsFault at the first that does not work."""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise PacsFault(Fault.NAME_UNKNOWN) from None
    yield Check("host name", True)
    try:
        connection = socket.create_connection((host, port), CONNECT_SECONDS)
    except ConnectionRefusedError:
        raise PacsFault(Fault.PORT_CLOSED) from None
    except OSError:
        raise PacsFault(Fault.NO_ANSWER) from None
    yield Check("port", True)
    with connection:
        if tls is None:
            return
        try:
            with tls.wrap_socket(connection, server_hostname=host) as talking:
                # TLS 1.3 servers refuse a client without a certificate only after the handshake.
                talking.settimeout(0.5)
                with contextlib.suppress(TimeoutError):
                    talking.recv(1)
        except OSError as error:
            raise PacsFault(tls_fault(error)) from None
    yield Check("TLS", True)


def tls_fault(error: BaseException) -> Fault:
    match error:
        case ssl.SSLCertVerificationError():
            return Fault.TLS_UNTRUSTED
        case ssl.SSLError() if error.reason in ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "HTTP_REQUEST"):
            return Fault.TLS_NOT_SPOKEN
        case ssl.SSLError():
            return Fault.TLS_REFUSED_US
        case _:
            return Fault.TLS_NOT_SPOKEN  # closed or silent in the middle of the handshake


def broken_way(host: str, port: int, tls: ssl.SSLContext | None, otherwise: Fault) -> Fault:
    """After something failed: what is in the way now, or `otherwise` if nothing is."""
    try:
        for _ in reach(host, port, tls):
            pass
    except PacsFault as found:
        return found.fault
    return otherwise

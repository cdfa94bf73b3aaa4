"""The way to the hub, step by step: address, proxy, DNS, port, TLS, the hub itself, clocks. Plain words at each."""

import base64
import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from cryptography import x509

from flip_trust.doctor.finding import Finding, fine, wrong

PATIENCE_SECONDS: Final = 5.0
LARGEST_SKEW_SECONDS: Final = 60.0
# X509_V_ERR_* of OpenSSL, as `SSLCertVerificationError.verify_code`
NOT_YET_VALID, EXPIRED, SELF_SIGNED, SELF_SIGNED_IN_CHAIN, NO_ISSUER, NO_LEAF_ISSUER = 9, 10, 18, 19, 20, 21
WRONG_HOST: Final = frozenset({62, 64})  # of a name, of an IP address


@dataclass(frozen=True)
class Way:
    """How this node goes to its hub."""

    hub_url: str
    ca_file: Path | None = None
    proxy: str | None = None

    @property
    def target(self) -> SplitResult:
        return urlsplit(self.hub_url)

    @property
    def host(self) -> str:
        return self.target.hostname or ""

    @property
    def port(self) -> int:
        return self.target.port or (443 if self.target.scheme == "https" else 80)

    @property
    def proxy_url(self) -> str | None:
        """What is set here, or in the environment as HTTPS_PROXY and NO_PROXY, as httpx reads them."""
        if self.proxy:
            return self.proxy
        found = getproxies()
        return None if proxy_bypass(self.host) else found.get(self.target.scheme, found.get("all"))

    def ssl_context(self) -> ssl.SSLContext:
        """Raises `OSError` for a CA file that cannot be read, `ssl.SSLError` for one that holds no certificate."""
        return ssl.create_default_context(cafile=self.ca_file)

    def http(self, timeout: float = PATIENCE_SECONDS) -> httpx.Client:
        return httpx.Client(base_url=self.hub_url, verify=self.ssl_context(), proxy=self.proxy, timeout=timeout)


class Blocked(Exception):
    """No further step makes sense."""

    def __init__(self, finding: Finding):
        self.finding = finding
        super().__init__(finding.name)


def walk(way: Way, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Each step that was taken; the last one is not fine if the hub cannot be reached."""
    try:
        yield _address(way)
        opened = None
        if (proxy := way.proxy_url) is not None:
            via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            opened = _connect("proxy", via.hostname or "", via.port or 3128)
            if way.target.scheme == "https":
                _tunnel(opened, way, via)
            yield fine("proxy", f"{via.hostname}:{via.port or 3128} leads to {way.host}")
        else:
            opened = _connect("connection", way.host, way.port)
            yield fine("connection", f"{way.host}:{way.port} answers")
        with contextlib.closing(opened):
            if way.target.scheme == "https":
                yield _tls(opened, way, clock)
        yield from _hub(way, clock)
    except Blocked as blocked:
        yield blocked.finding


def _address(way: Way) -> Finding:
    try:
        known = way.target.scheme in ("https", "http") and bool(way.host) and way.port > 0
    except ValueError:  # a port that is none
        known = False
    if not known:
        raise Blocked(wrong("address", f"'{way.hub_url}' is no address", "Give it as https://hub.example"))
    if way.target.scheme == "http" and not _is_loopback(way.host):
        said = "http:// would send this trust's token in the open"
        raise Blocked(wrong("address", said, f"Use https://{way.host}"))
    return fine("address", way.hub_url)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _connect(name: str, host: str, port: int) -> socket.socket:
    place = f"{host}:{port}"
    try:
        return socket.create_connection((host, port), PATIENCE_SECONDS)
    except socket.gaierror:
        remedy = "Check how it is spelt, and this machine's DNS (/etc/resolv.conf)"
        raise Blocked(wrong("DNS", f"no address is known for {host}", remedy)) from None
    except ConnectionRefusedError:
        remedy = f"Check the port; if it is right, a firewall refuses it: ask for outbound TCP to {place}"
        raise Blocked(wrong(name, f"{place} is closed", remedy)) from None
    except TimeoutError:
        remedy = f"A firewall drops it: ask for outbound TCP to {place}, or for the proxy to use (--proxy)"
        raise Blocked(wrong(name, f"{place} does not answer within {PATIENCE_SECONDS:.0f} s", remedy)) from None
    except OSError as error:
        remedy = "Check this machine's network and routes"
        raise Blocked(wrong(name, f"{place} cannot be reached ({error.strerror})", remedy)) from None


def _tunnel(opened: socket.socket, way: Way, via: SplitResult) -> None:
    target = f"{way.host}:{way.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if via.username:
        login = base64.b64encode(f"{unquote(via.username)}:{unquote(via.password or '')}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    try:
        opened.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head and len(head) < 65536:
            part = opened.recv(4096)
            if not part:
                break
            head += part
    except OSError:
        head = b""
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split()
    status = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
    if status == 200:
        return
    if status == 407:
        said, remedy = "wants a login", "Give it as http://user:password@host:port (FLIP_TRUST_HUB_PROXY or --proxy)"
    elif status:
        said, remedy = f"refuses to lead to {target} (HTTP {status})", f"Ask its admin to allow CONNECT to {target}"
    else:
        said, remedy = "does not speak as a proxy", "Check its address and port"
    raise Blocked(wrong("proxy", f"{via.hostname}:{via.port or 3128} {said}", remedy))


def _tls(opened: socket.socket, way: Way, clock: Callable[[], float]) -> Finding:
    try:
        context = way.ssl_context()
    except (OSError, ssl.SSLError):
        remedy = "Give the CA certificate of the hub as a PEM file"
        raise Blocked(wrong("certificate", f"{way.ca_file} cannot be read as a certificate", remedy)) from None
    try:
        with context.wrap_socket(opened, server_hostname=way.host) as wrapped:
            shown = x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True) or b"")
    except ssl.SSLCertVerificationError as error:
        raise Blocked(_untrusted(way, error.verify_code, clock)) from None
    except (ssl.SSLError, OSError):
        remedy = "Something else listens there, or a device on the way breaks TLS: ask your network's admin"
        raise Blocked(wrong("TLS", f"{way.host}:{way.port} does not speak TLS", remedy)) from None
    until = shown.not_valid_after_utc
    days = int((until.timestamp() - clock()) // 86400)
    soon = f"; it ends in {days} days: tell the hub's admin" if days < 14 else ""
    return fine("certificate", f"of {way.host}, by {_name(shown.issuer)}, until {until:%Y-%m-%d}{soon}")


def _untrusted(way: Way, code: int, clock: Callable[[], float]) -> Finding:
    shown = _shown(way)
    issuer = _name(shown.issuer) if shown else "an unknown authority"
    if code in (EXPIRED, NOT_YET_VALID) and shown is not None:
        here = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(clock()))
        at = shown.not_valid_after_utc if code == EXPIRED else shown.not_valid_before_utc
        said = f"it {'ended' if code == EXPIRED else 'begins'} at {at:%Y-%m-%d %H:%M UTC}; here it is {here}"
        return wrong("certificate", said, "If this machine's clock is wrong, set up NTP; else tell the hub's admin")
    if code in WRONG_HOST:
        names = ", ".join(_names(shown)) if shown else "another host"
        remedy = "Use the name that the hub's admin gave you; if it is this one, tell them"
        return wrong("certificate", f"it is for {names}, not for {way.host}", remedy)
    if code in (SELF_SIGNED, SELF_SIGNED_IN_CHAIN, NO_ISSUER, NO_LEAF_ISSUER):
        what = (
            f"another authority than {way.ca_file}" if way.ca_file else "an authority that this machine does not know"
        )
        remedy = (
            "If the hub has its own authority, give its certificate by --ca FILE (FLIP_TRUST_HUB_CA_FILE); if this is "
            "your network's own inspection of traffic, ask for an exception for the hub"
        )
        return wrong("certificate", f"it is signed by {what}: {issuer}", remedy)
    return wrong("certificate", f"it is not accepted (OpenSSL code {code})", "Tell the hub's admin")


def _shown(way: Way) -> x509.Certificate | None:
    """The certificate that is shown, looked at without trusting it: nothing is sent."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        proxy = way.proxy_url
        if proxy is None:
            opened = _connect("connection", way.host, way.port)
        else:
            via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            opened = _connect("proxy", via.hostname or "", via.port or 3128)
            _tunnel(opened, way, via)
        with opened, context.wrap_socket(opened, server_hostname=way.host) as wrapped:
            return x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True) or b"")
    except (Blocked, OSError, ValueError):
        return None


def _name(name: x509.Name) -> str:
    wanted = (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME)
    found = [str(a.value) for oid in wanted for a in name.get_attributes_for_oid(oid)]
    return f"'{found[0]}'" if found else "an authority without a name"


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [_name(certificate.subject)]
    return [*told.get_values_for_type(x509.DNSName), *map(str, told.get_values_for_type(x509.IPAddress))]


def _hub(way: Way, clock: Callable[[], float]) -> Iterator[Finding]:
    try:
        with way.http() as http:
            answer = http.get("/api/v1/health")
    except httpx.HTTPError:
        raise Blocked(wrong("hub", f"{way.hub_url} does not answer", "Ask the hub's admin whether it runs")) from None
    if answer.status_code >= 500:
        said = f"{way.hub_url} is there, but the hub behind it is down (HTTP {answer.status_code})"
        raise Blocked(wrong("hub", said, "Try again later, or ask the hub's admin"))
    try:
        is_hub = answer.status_code == 200 and answer.json() == {"status": "ok"}
    except ValueError:
        is_hub = False
    if not is_hub:
        remedy = "Check the address: it is the start of the hub's, without a path"
        raise Blocked(wrong("hub", f"{way.hub_url} is there, but it is not a FLIP hub", remedy))
    yield fine("hub", "a FLIP hub answers")
    with contextlib.suppress(KeyError, ValueError):
        skew = clock() - parsedate_to_datetime(answer.headers["date"]).timestamp()
        said = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the hub's"
        if abs(skew) <= LARGEST_SKEW_SECONDS:
            yield fine("clock", said)
        else:
            yield wrong("clock", said, "Set up NTP (systemd-timesyncd or chrony): signatures and expiry go by time")

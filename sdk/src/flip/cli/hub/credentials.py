"""The hub's address and the token, in one file that only its owner may read; or from FLIP_HUB_URL and FLIP_TOKEN."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import shlex
import stat
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from flip.cli.hub.errors import AddressRefused, CredentialsExposed, NotLoggedIn


@dataclass(frozen=True)
class Access:
    """Where the hub is and who we are there. `insecure`: the user has allowed plain HTTP beyond this machine."""

    hub_url: str
    token: str = field(repr=False)
    email: str = ""
    expires_at: str = ""
    insecure: bool = False


def credentials_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if os.path.isabs(base) else Path.home() / ".config"  # XDG: a relative path is ignored
    return folder / "flip" / "credentials.json"


def checked_url(url: str, insecure: bool) -> str:
    """The address without a trailing slash. Plain HTTP only to this machine: a token must not travel in clear."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressRefused(f"`{url}` is not a hub's address. Write it as https://hub.example.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise AddressRefused("Give the hub's address alone, without user, password, `?` or `#`.")
    if parts.scheme == "http" and not insecure and not is_loopback(parts.hostname):
        raise AddressRefused(
            f"{url} would send your token unencrypted. Use https://; or, in a network that you trust, "
            "`flip login --insecure` (FLIP_INSECURE=1 beside FLIP_HUB_URL)."
        )
    return parts.geturl().rstrip("/")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def current_access() -> Access:
    """From the environment, else from the file. A token stored for one hub is never sent to another."""
    url, token = os.environ.get("FLIP_HUB_URL", "").strip(), os.environ.get("FLIP_TOKEN", "").strip()
    if url:
        insecure = os.environ.get("FLIP_INSECURE") == "1"
        url = checked_url(url, insecure)
        if token:
            return Access(url, token, insecure=insecure)
    stored = read_stored()
    if url:
        if stored is None or stored.hub_url != url:
            raise NotLoggedIn(
                f"FLIP_HUB_URL names {url}; there is no token for it. Set FLIP_TOKEN, or `flip login {url}`."
            )
        return stored
    if stored is None:
        raise NotLoggedIn(
            "You are not logged in. Run `flip login https://your.hub`, or set FLIP_HUB_URL and FLIP_TOKEN."
        )
    return replace(stored, token=token, email="", expires_at="") if token else stored


def read_stored() -> Access | None:
    path = credentials_file()
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, encoding="utf-8") as source:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if os.name == "posix" and mode & 0o077:
            raise CredentialsExposed(
                f"Others on this machine may read your token (mode {mode:04o}). Run: chmod 600 {shlex.quote(str(path))}"
            )
        if os.name == "posix" and (folder := stat.S_IMODE(path.parent.stat().st_mode)) & 0o022:
            raise CredentialsExposed(
                f"Others on this machine may replace your token (folder mode {folder:04o}). "
                f"Run: chmod 700 {shlex.quote(str(path.parent))}"
            )
        try:
            access = Access(**json.load(source))
        except (ValueError, TypeError):
            raise NotLoggedIn(f"{path} cannot be read. Run `flip login` again.") from None
    return replace(access, hub_url=checked_url(access.hub_url, access.insecure))


def store(access: Access) -> Path:
    """Write the file in one step: a reader sees the old one or the new one, and never with wider permissions."""
    path = credentials_file()
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    path.parent.chmod(0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
            json.dump(asdict(access), sink, indent=1)
            sink.flush()
            os.fsync(descriptor)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return path


def forget() -> bool:
    """Remove the file; False if there was none."""
    try:
        credentials_file().unlink()
    except FileNotFoundError:
        return False
    return True

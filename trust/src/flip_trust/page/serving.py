"""Where the page is served: on loopback, or to the hospital's network with TLS or behind its proxy. Never else."""

import logging
import socket
import threading
from ipaddress import ip_address
from typing import TYPE_CHECKING

from flip_trust.errors import TrustError
from flip_trust.settings import NodeSettings

if TYPE_CHECKING:
    import uvicorn

    from flip_trust.agent import Agent

log = logging.getLogger(__name__)
DEFAULT_PORT = 8460


class PageUnsafe(TrustError):
    """Off loopback, the page needs `FLIP_TRUST_PAGE_TLS_CERT` and `_KEY`, or `FLIP_TRUST_PAGE_PROXIES`."""

    code = "page_unsafe"


class PagePortTaken(TrustError):
    """Something else listens at the page's address; choose another `FLIP_TRUST_PAGE_PORT`."""

    code = "page_port_taken"


def is_secure(settings: NodeSettings) -> bool:
    """Browsers come by HTTPS."""
    return settings.page_tls_cert is not None or bool(settings.page_proxies)


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name: it may lead anywhere
        return False


def ensure_safe(settings: NodeSettings) -> None:
    if is_secure(settings) or is_loopback(settings.page_host):
        return
    raise PageUnsafe(
        f"The page would be served to the network without TLS (FLIP_TRUST_PAGE_HOST={settings.page_host}). Set "
        "FLIP_TRUST_PAGE_TLS_CERT and FLIP_TRUST_PAGE_TLS_KEY, or name the reverse proxy in FLIP_TRUST_PAGE_PROXIES, "
        "or leave FLIP_TRUST_PAGE_HOST at 127.0.0.1."
    )


def listen(settings: NodeSettings, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.page_host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.page_host, port))
    except OSError as error:
        listening.close()
        why = f"The page cannot be served at {settings.page_host}:{port} ({error.strerror})."
        raise PagePortTaken(f"{why} Choose another FLIP_TRUST_PAGE_PORT or FLIP_TRUST_PAGE_HOST.") from None
    return listening


def address(settings: NodeSettings, listening: socket.socket) -> str:
    host = f"[{settings.page_host}]" if ":" in settings.page_host else settings.page_host
    scheme = "https" if settings.page_tls_cert else "http"
    return f"{scheme}://{host}:{listening.getsockname()[1]}"


def page_server(agent: "Agent") -> "uvicorn.Server":
    """A server of the page, to be run on a socket from `listen`."""
    import uvicorn  # the command line needs no web server

    from flip_trust.page.app import create_page
    from flip_trust.staff.cli import open_staff

    settings = agent.settings
    ensure_safe(settings)
    return uvicorn.Server(
        uvicorn.Config(
            create_page(agent, open_staff(settings)),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            proxy_headers=bool(settings.page_proxies),
            forwarded_allow_ips=settings.page_proxies,
            ssl_certfile=settings.page_tls_cert,
            ssl_keyfile=str(settings.page_tls_key) if settings.page_tls_key else None,
        )
    )


def start_beside(agent: "Agent") -> "uvicorn.Server | None":
    """In the agent's process. A page that cannot be served is said loudly, and the agent goes on without it."""
    if agent.settings.page_port is None:
        return None
    try:
        server = page_server(agent)
        listening = listen(agent.settings, agent.settings.page_port)
    except TrustError as error:
        log.error("%s: %s", error.code, error.public)
        return None
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="page", daemon=True).start()
    log.info("the page is at %s", address(agent.settings, listening))
    return server

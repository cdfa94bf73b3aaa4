"""Where the page is served: loopback, TLS, or behind the hospital's proxy; never else."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import trustme
from pydantic import ValidationError

from flip_trust.agent import Agent
from flip_trust.page.serving import PagePortTaken, PageUnsafe, ensure_safe, listen, page_server
from flip_trust.settings import NodeSettings, TrustSettings
from flip_trust.staff.book import Role
from flip_trust.staff.cli import open_staff

NODE = {"data_dir": "/x", "hub_url": "http://127.0.0.1:9"}


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::", "flip.hospital", "192.168.1.1"])
def test_a_network_gets_no_page_without_tls_or_a_proxy(host):
    with pytest.raises(PageUnsafe, match="FLIP_TRUST_PAGE_PROXIES"):
        ensure_safe(NodeSettings(**NODE, page_host=host))
    ensure_safe(NodeSettings(**NODE, page_host=host, page_proxies=["10.0.0.5"]))
    ensure_safe(NodeSettings(**NODE, page_host=host, page_tls_cert="c", page_tls_key="k"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.9"])
def test_loopback_needs_nothing(host):
    ensure_safe(NodeSettings(**NODE, page_host=host))


def test_a_certificate_without_its_key_and_a_proxy_that_is_no_address_are_refused():
    with pytest.raises(ValidationError, match="PAGE_TLS_KEY"):
        NodeSettings(**NODE, page_tls_cert="c")
    with pytest.raises(ValidationError):
        NodeSettings(**NODE, page_proxies=["*"])


def test_a_port_that_is_taken_is_said_so():
    settings = NodeSettings(**NODE)
    held = listen(settings, 0)
    held.listen()
    with pytest.raises(PagePortTaken, match="FLIP_TRUST_PAGE_PORT"):
        listen(settings, held.getsockname()[1])
    held.close()


@contextmanager
def serving(settings: dict[str, Any], **more: Any) -> Iterator[int]:
    agent = Agent(TrustSettings(**settings, **more))
    server, listening = page_server(agent), listen(agent.settings, 0)
    server.install_signal_handlers = lambda: None
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        agent.ledger.close()
        agent.store.close()


def test_over_tls_the_cookie_is_bound_to_it(settings, tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with serving(settings, page_tls_cert=cert, page_tls_key=key) as port:
        first = open_staff(NodeSettings(**settings)).add("ada", Role.REVIEWER)
        with httpx.Client(base_url=f"https://localhost:{port}", verify=context, trust_env=False) as browser:
            answer = browser.post("/login", data={"login": "ada", "password": first})
            assert answer.status_code == 303
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("__Host-flip_trust=")
            for attribute in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"):
                assert attribute in cookie
            assert "max-age" in answer.headers["strict-transport-security"]


def test_behind_a_proxy_only_what_came_to_it_by_https_is_answered(settings):
    with serving(settings, page_proxies=["127.0.0.1"], page_hosts=["flip.hospital"]) as port:
        base = f"http://127.0.0.1:{port}"
        named = {"host": "flip.hospital"}
        by_https = named | {"x-forwarded-proto": "https", "x-forwarded-for": "10.1.2.3"}
        assert httpx.get(f"{base}/login", headers=by_https, trust_env=False).status_code == 200
        assert httpx.get(f"{base}/login", headers=named, trust_env=False).status_code == 403
    with serving(settings, page_proxies=["10.0.0.5"], page_hosts=["flip.hospital"]) as port:
        base = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{base}/login", headers=by_https, trust_env=False).status_code == 403  # not from the proxy

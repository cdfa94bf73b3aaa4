"""The way to the hub, broken at each place by a real server: the right step says so, with what to do."""

import socket
import time
from pathlib import Path

import pytest

from flip_trust.doctor.way import Way, walk


def told(way: Way, **options) -> tuple[list[str], str]:
    """The steps that were fine, and the line of the one that was not."""
    steps = list(walk(way, **options))
    assert all(step.fine for step in steps[:-1])
    assert all(step.remedy for step in steps if not step.fine)
    return [step.name for step in steps if step.fine], "" if steps[-1].fine else steps[-1].line


def test_an_open_way_is_told_step_by_step(hub, certificates, ca_file):
    with hub.serving(certificates.of()) as port:
        fine, problem = told(Way(f"https://localhost:{port}", ca_file))
    assert fine == ["address", "connection", "certificate", "hub", "clock"]
    assert problem == ""


def test_a_wrong_authority_is_named_and_both_remedies_said(hub, certificates):
    with hub.serving(certificates.of()) as port:
        fine, problem = told(Way(f"https://localhost:{port}"))
    assert fine == ["address", "connection"]
    assert "Hub of Nowhere" in problem
    assert "--ca FILE" in problem
    assert "inspection" in problem
    assert hub.asked == []


def test_a_certificate_that_ended_is_told_with_both_dates(hub, certificates, ca_file):
    with hub.serving(certificates.expired()) as port:
        _, problem = told(Way(f"https://localhost:{port}", ca_file))
    assert "it ended at" in problem
    assert "NTP" in problem
    with hub.serving(certificates.of_tomorrow()) as port:
        _, problem = told(Way(f"https://localhost:{port}", ca_file))
    assert "it begins at" in problem


def test_a_certificate_of_another_host_is_told_with_its_names(hub, certificates, ca_file):
    with hub.serving(certificates.of("hub.example")) as port:
        _, problem = told(Way(f"https://localhost:{port}", ca_file))
        assert "it is for hub.example, not for localhost" in problem
        _, problem = told(Way(f"https://127.0.0.1:{port}", ca_file))
        assert "not for 127.0.0.1" in problem


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clocks_that_differ_are_told(hub, certificates, ca_file, minutes):
    with hub.serving(certificates.of()) as port:
        fine, problem = told(Way(f"https://localhost:{port}", ca_file), clock=lambda: time.time() + minutes * 60)
    assert "hub" in fine
    assert "ahead of" in problem if minutes > 0 else "behind" in problem
    assert "NTP" in problem


def test_a_closed_port_is_a_firewall_s_or_a_typing_mistake(hub):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    _, problem = told(Way(f"https://127.0.0.1:{port}"))
    assert f"127.0.0.1:{port} is closed" in problem
    assert "firewall" in problem


def test_a_name_without_an_address_is_dns(monkeypatch):
    _, problem = told(Way("https://hub.invalid"))  # RFC 2606: never exists
    assert "no address is known for hub.invalid" in problem
    assert "DNS" in problem


def test_what_does_not_speak_tls_is_told(hub):
    with hub.serving() as port:
        _, problem = told(Way(f"https://localhost:{port}"))
    assert "does not speak TLS" in problem


def test_another_web_server_is_not_taken_for_a_hub(hub, certificates, ca_file):
    hub.answer["/api/v1/health"] = lambda _: {"hello": "world"}
    with hub.serving(certificates.of()) as port:
        _, problem = told(Way(f"https://localhost:{port}", ca_file))
        assert "not a FLIP hub" in problem
        hub.refuse["/api/v1/health"] = (503, "unavailable")
        _, problem = told(Way(f"https://localhost:{port}", ca_file))
        assert "is down (HTTP 503)" in problem


def test_a_token_is_not_sent_in_the_open():
    _, problem = told(Way("http://hub.example"))
    assert "https://hub.example" in problem
    for nonsense in ("ftp://hub.example", "https://", "https://hub.example:port"):
        assert "is no address" in told(Way(nonsense))[1]


def test_a_ca_file_that_is_none_is_told(hub, certificates, tmp_path: Path):
    (tmp_path / "ca.pem").write_text("no certificate")
    with hub.serving(certificates.of()) as port:
        for file in ("ca.pem", "missing.pem"):
            _, problem = told(Way(f"https://localhost:{port}", tmp_path / file))
            assert "cannot be read as a certificate" in problem


def test_a_proxy_leads_on(hub, proxy, certificates, ca_file, monkeypatch):
    with hub.serving(certificates.of()) as port, proxy.serving() as gate:
        fine, problem = told(Way(f"https://localhost:{port}", ca_file, f"http://127.0.0.1:{gate}"))
        assert (fine, problem) == (["address", "proxy", "certificate", "hub", "clock"], "")
        assert set(proxy.connects) == {f"localhost:{port}"}
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{gate}")
        assert "proxy" in told(Way(f"https://localhost:{port}", ca_file))[0]
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert "proxy" not in told(Way(f"https://localhost:{port}", ca_file))[0]


def test_a_proxy_that_refuses_wants_a_login_or_is_none_is_told(hub, proxy, certificates, ca_file):
    with hub.serving(certificates.of()) as port, proxy.serving() as gate:
        way = Way(f"https://localhost:{port}", ca_file, f"http://127.0.0.1:{gate}")
        proxy.status = 403
        assert f"refuses to lead to localhost:{port} (HTTP 403)" in told(way)[1]
        proxy.status, proxy.login = 200, "dXNlcjpwYXNz"  # user:pass
        assert "wants a login" in told(way)[1]
        assert told(Way(way.hub_url, ca_file, f"http://user:pass@127.0.0.1:{gate}"))[1] == ""
        assert "does not speak as a proxy" in told(Way(way.hub_url, ca_file, f"http://127.0.0.1:{port}"))[1]
    _, problem = told(Way("https://localhost", None, f"http://127.0.0.1:{gate}"))
    assert f"127.0.0.1:{gate} is closed" in problem


def test_no_step_tells_the_proxy_s_password(proxy):
    with proxy.serving() as gate:
        proxy.status = 403
        steps = list(walk(Way("https://hub.example", None, f"http://user:CANARY@127.0.0.1:{gate}")))
    assert "CANARY" not in "".join(step.line for step in steps)

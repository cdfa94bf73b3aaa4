"""What a browser may be made to do: nothing from another site, under another name, or with another's form."""

import re
from pathlib import Path

import pytest

from flip_trust.page import kit
from flip_trust.page.guard import HEADERS
from flip_trust.staff.book import Role

FOLDER = Path(kit.__file__).parent


def test_a_form_needs_the_token_of_its_own_session(site):
    ada, eve = site.browser("ada"), site.browser("eve")
    token = re.search(r'value="([0-9a-f]{64})"', eve.get("/projects"))
    assert token
    assert "not from your session" in ada.client.post("/logout", data={}).text
    assert ada.client.post("/logout", data={"csrf": token[1]}).status_code == 403
    assert "Decided" in ada.get("/projects")


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
def test_a_form_of_another_site_is_refused_even_at_the_login(site, headers):
    stranger = site.stranger()
    body = {"login": "ada", "password": "x"}
    assert stranger.client.post("/login", data=body, headers=headers).status_code == 403
    assert stranger.client.post("/login", data=body, headers={"origin": "http://127.0.0.1:8460"}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8460", "", "["])
def test_the_page_is_not_served_under_another_name(site, host):
    answer = site.stranger().client.get("/login", headers={"host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost:8460", "127.0.0.1", "[::1]:8460", "LOCALHOST"])
def test_it_is_served_under_the_names_of_loopback(site, host):
    assert site.stranger().client.get("/login", headers={"host": host}).status_code == 200


def test_every_answer_lets_the_browser_load_from_here_alone(site):
    browser = site.browser()
    for path in ("/login", "/projects", "/static/page.css", "/nothing-here"):
        answer = browser.client.get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert browser.client.get("/projects").headers["cache-control"] == "no-store"
    assert "default-src 'none'" in HEADERS["content-security-policy"]
    assert "http" not in HEADERS["content-security-policy"]


def test_templates_and_styles_name_nothing_outside_and_style_nothing_inline():
    files = [p for p in FOLDER.rglob("*") if p.suffix in (".html", ".css", ".js")]
    assert len(files) > 5
    for file in files:
        text = file.read_text()
        assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", text), file
        if file.suffix == ".html":
            assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script>", text), file


def test_a_body_that_is_too_large_is_not_read(site):
    browser = site.browser()
    answer = browser.client.post("/logout", content=b"x" * (1 << 20), headers={"content-type": "text/plain"})
    assert answer.status_code == 413


def test_what_a_researcher_wrote_is_text_and_no_markup(site):
    site.review(project_name="<script>alert(1)</script>", owner="\"'><img src=x>")
    shown = site.browser().get("/projects")
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_a_bug_tells_no_internals(site, monkeypatch, caplog):
    from flip_trust.store import Store

    browser = site.browser(role=Role.ADMIN)

    def fails(self: Store):
        raise RuntimeError("CANARY-A-0001")

    monkeypatch.setattr(Store, "projects", fails)
    client = site.stranger().client
    client = type(client)(site.app, base_url="http://127.0.0.1:8460", raise_server_exceptions=False)
    client.cookies = browser.client.cookies
    answer = client.get("/projects")
    assert answer.status_code == 500
    assert "CANARY" not in answer.text
    assert "RuntimeError" in caplog.text

"""Log in at an organisation: against a real OpenID provider (npm `oidc-provider`), by code flow with PKCE."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import select

from flip_hub.audit.tables import AuditEvent
from flip_hub.users.tables import User

HERE = Path(__file__).parent / "provider"
CALLBACK = "http://127.0.0.1:8080/api/v1/auth/oidc/callback"

if not shutil.which("npm"):
    pytest.skip("npm is not here, and so no OpenID provider to log in at", allow_module_level=True)


@pytest.fixture(scope="module")
def node_modules() -> None:
    if not (HERE / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=HERE, check=True)


@pytest.fixture(scope="module")
def issuer(request, node_modules) -> Iterator[tuple[str, str]]:
    secret = getattr(request, "param", "")
    command = ["node", "provider.mjs", CALLBACK, secret]
    server = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    yield server.stdout.readline().strip(), secret
    server.kill()
    server.wait()


@pytest.fixture
def browser(hub, issuer, monkeypatch) -> Iterator[TestClient]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url, secret = issuer
    settings = hub.settings.model_copy(
        update={"oidc_issuer": url, "oidc_client_id": "flip", "oidc_client_secret": SecretStr(secret)}
    )
    with TestClient(hub.app(settings), follow_redirects=False) as client:
        yield client


def at_the_provider(url: str, login: str) -> str:
    """What a person does there: log in, agree. Returns where the browser is sent back to."""
    with httpx.Client(trust_env=False) as client:
        answer = client.get(url)
        for _ in range(12):
            if (place := answer.headers.get("location", "")).startswith(CALLBACK):
                return place
            if answer.is_redirect:
                answer = client.get(httpx.URL(answer.request.url).join(place))
                continue
            assert answer.status_code == 200, answer.text
            (form,) = re.findall(r'<form[^>]*action="([^"]+)"', answer.text)
            prompt = re.findall(r'name="prompt" value="(\w+)"', answer.text)[0]
            answer = client.post(form, data={"prompt": prompt, "login": login, "password": "any"})
    raise AssertionError("The provider did not send the browser back.")


def log_in(browser: TestClient, login: str, to: str = "/projects") -> httpx.Response:
    begun = browser.get("/api/v1/auth/oidc/start", params={"next": to})
    assert begun.status_code == 303, begun.text
    back = at_the_provider(begun.headers["location"], login)
    return browser.get(urlsplit(back)._replace(scheme="", netloc="").geturl())


def who(browser: TestClient) -> dict:
    return browser.get("/api/v1/auth/session").json()


def test_an_account_is_known_by_its_verified_e_mail_and_then_by_its_subject(hub, browser):
    answer = log_in(browser, "r@x.example", to="/projects?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/projects?x=1")
    assert (who(browser)["user"]["email"], who(browser)["kind"]) == ("r@x.example", "session")
    with hub.database.session() as session:  # another e-mail since: the subject stays
        session.scalars(select(User).where(User.email == "r@x.example")).one().email = "married@x.example"
    log_in(browser, "r@x.example")
    assert who(browser)["user"]["email"] == "married@x.example"


@pytest.mark.parametrize("issuer", ["a client's secret"], indirect=True)
def test_a_client_with_a_secret_sends_it(browser):
    assert log_in(browser, "r@x.example").headers["location"] == "/projects"


def test_its_session_is_a_cookie_with_csrf_protection(browser):
    log_in(browser, "r@x.example")
    body = {"name": "P", "purpose": "x", "kind": "imaging"}
    assert browser.post("/api/v1/projects", json=body).json()["code"] == "csrf_token_missing"
    headers = {"x-csrf-token": who(browser)["csrf_token"]}
    assert browser.post("/api/v1/projects", json=body, headers=headers).status_code == 201


def test_an_invitation_becomes_an_account_without_a_password(hub, browser):
    hub.admin.post("invitations", {"email": "new@x.example", "name": "New", "role": "viewer"})
    log_in(browser, "new@x.example")
    session = who(browser)
    assert (session["user"]["role"], session["has_password"]) == ("viewer", False)


@pytest.mark.parametrize("login", ["nobody@x.example", "unverified@x.example"])
def test_who_is_unknown_or_has_an_unverified_e_mail_gets_no_account(hub, browser, login):
    hub.person("viewer", "unverified@x.example")
    assert log_in(browser, login).headers["location"] == "/login?error=oidc_no_account"
    assert browser.get("/api/v1/auth/session").status_code == 401
    with hub.database.session() as session:
        (event,) = session.scalars(select(AuditEvent).where(AuditEvent.subject == "oidc"))
        assert (event.action, event.details) == ("user.login_failed", {"code": "oidc_no_account"})


def test_a_disabled_account_stays_out(hub, browser):
    me = hub.researcher.get("users/me")
    assert hub.admin.call("PATCH", f"users/{me['id']}", json={"is_active": False}).status_code == 200
    assert log_in(browser, "r@x.example").headers["location"] == "/login?error=oidc_no_account"


def test_a_newcomer_gets_the_role_that_the_settings_give(hub, browser):
    settings = browser.app.state.settings.model_copy(update={"oidc_new_role": "researcher"})
    with TestClient(hub.app(settings), follow_redirects=False) as open_hub:
        log_in(open_hub, "nobody@x.example")
        assert who(open_hub)["user"]["role"] == "researcher"


def test_an_answer_that_this_browser_did_not_ask_for_opens_nothing(hub, browser):
    begun = browser.get("/api/v1/auth/oidc/start")
    back = urlsplit(at_the_provider(begun.headers["location"], "r@x.example"))
    sent = {key: values[0] for key, values in parse_qs(back.query).items()}
    with TestClient(browser.app, follow_redirects=False) as other:  # a link that an attacker sends: no cookie there
        assert other.get(back.path, params=sent).headers["location"] == "/login?error=oidc_failed"
    for wrong in ({**sent, "state": "x"}, {"error": "access_denied", "state": sent["state"]}, {**sent, "code": "x"}):
        browser.get("/api/v1/auth/oidc/start")
        assert browser.get(back.path, params=wrong).headers["location"] == "/login?error=oidc_failed"
    assert browser.get("/api/v1/auth/session").status_code == 401


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb"])
def test_a_login_never_ends_on_a_strangers_page(browser, place):
    assert log_in(browser, "r@x.example", to=place).headers["location"] == "/"


def test_a_provider_that_is_away_is_told_as_such(hub):
    settings = hub.settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "flip"})
    with TestClient(hub.app(settings), follow_redirects=False) as client:
        assert client.get("/api/v1/auth/oidc/start").headers["location"] == "/login?error=oidc_unavailable"
    assert hub.client.get("/api/v1/auth/oidc/start", follow_redirects=False).headers["location"].endswith("oidc_off")

"""Log in by password: the second factor, lock-out, resets, tokens, and what a browser's session needs."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from hub.tests.conftest import Person
from pyotp import TOTP
from sqlalchemy import select, text, update

from flip_hub.db import now
from flip_hub.login import passwords
from flip_hub.mail.tables import Email
from flip_hub.users.tables import ApiToken, User

PASSWORD, NEW = "a long password", "four random words for this"
ADA = {"email": "ada@x.example", "password": PASSWORD}


@pytest.fixture
def ada(hub) -> Person:
    return hub.person("researcher", ADA["email"])


def login(hub, status: int = 200, **body):
    answer = hub.client.post("/api/v1/auth/login", json={**ADA, **body})
    assert answer.status_code == status, answer.text
    return answer.json()


def set_up_totp(person: Person, **body) -> tuple[TOTP, list[str]]:
    made = person.post("auth/totp", status=200)
    totp = TOTP(made["secret"])
    assert made["otpauth_uri"] == totp.provisioning_uri(name=ADA["email"], issuer_name="FLIP")
    body = {"enrolment": made["enrolment"], "code": totp.now(), **body}
    return totp, person.post("auth/totp/confirm", body, 200)["recovery_codes"]


def mailed_code(hub, recipient: str) -> str:
    with hub.database.session() as session:
        mail = session.scalars(select(Email).where(Email.recipient == recipient).order_by(Email.created_at)).all()[-1]
        return mail.text.split("code: ")[1].split()[0]


def test_a_login_without_authenticator_opens_nothing_but_its_set_up(hub, ada):
    strict = hub.settings.model_copy(update={"require_totp": True})
    with TestClient(hub.app(strict)) as client:
        made = client.post("/api/v1/auth/login", json=ADA).json()
        assert made["next"] == "enrol_totp"
        person = Person(client, made["token"])
        assert person.refused("GET", "projects") == "session_restricted"
        assert person.refused("POST", "tokens", json={"name": "t", "scopes": ["read"]}) == "session_restricted"
        totp, _ = set_up_totp(person)
        assert person.get("projects")["items"] == []
        assert client.post("/api/v1/auth/login", json=ADA).json()["code"] == "totp_required"
        later = totp.at(now() + timedelta(seconds=30))
        assert client.post("/api/v1/auth/login", json={**ADA, "code": later}).json()["next"] is None


def test_a_code_works_once_and_a_recovery_code_stands_in_once(hub, ada):
    totp, recovery = set_up_totp(ada)
    assert login(hub, 401, code=totp.now())["code"] == "totp_wrong"  # it was used to set up
    assert login(hub, 401, code="000000")["code"] == "totp_wrong"
    login(hub, code=totp.at(now() + timedelta(seconds=30)))
    login(hub, code=recovery[0].upper())
    assert login(hub, 401, code=recovery[0])["code"] == "totp_wrong"
    assert ada.get("auth/session")["recovery_codes_left"] == 9
    with hub.database.session() as session:  # at rest the secret is encrypted, codes are hashed
        kept = session.execute(text("SELECT totp_secret FROM users WHERE email = 'ada@x.example'")).scalar_one()
        assert totp.secret not in kept


def test_an_authenticator_is_replaced_only_by_its_own_code_or_by_an_admin(hub, ada):
    _, recovery = set_up_totp(ada)
    made = ada.post("auth/totp", status=200)
    body = {"enrolment": made["enrolment"], "code": TOTP(made["secret"]).now()}
    assert ada.refused("POST", "auth/totp/confirm", json=body) == "totp_required"
    assert ada.refused("POST", "auth/totp/confirm", json={**body, "current_code": "1"}) == "totp_wrong"
    others = hub.researcher.post("auth/totp", status=200)
    stolen = {"enrolment": others["enrolment"], "code": TOTP(others["secret"]).now(), "current_code": recovery[0]}
    assert ada.refused("POST", "auth/totp/confirm", json=stolen) == "enrolment_expired"
    ada.post("auth/totp/confirm", {**body, "current_code": recovery[1]}, 200)
    me = ada.get("users/me")
    assert hub.admin.call("POST", f"users/{me['id']}/totp-reset").status_code == 204
    assert ada.refused("GET", "users/me") == "not_authenticated"
    assert login(hub)["next"] is None


def test_after_too_many_tries_even_the_right_password_waits(hub, ada):
    for _ in range(hub.settings.login_tries):
        assert login(hub, 401, password="wrong")["code"] == "login_failed"
    answer = hub.client.post("/api/v1/auth/login", json=ADA)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")
    assert 0 < int(answer.headers["retry-after"]) <= hub.settings.login_lock_minutes * 60
    assert hub.client.post("/api/v1/auth/login", json={**ADA, "email": "r@x.example"}).status_code == 200
    with hub.database.session() as session:
        session.execute(text("UPDATE throttles SET since = since - interval '1 hour'"))
    login(hub)


def test_an_unknown_account_looks_like_a_wrong_password_and_leaves_no_trace_of_its_name(hub):
    one, other = login(hub, 401, email="nobody@x.example"), login(hub, 401, email="r@x.example", password="wrong")
    assert {**one, "request_id": ""} == {**other, "request_id": ""}
    with hub.database.session() as session:
        assert "nobody" not in str(session.execute(text("SELECT * FROM throttles")).all())
        assert "nobody" not in str(session.execute(text("SELECT details, subject FROM audit_events")).all())


def test_a_reset_code_works_once_ends_every_login_and_keeps_the_authenticator(hub, ada):
    totp, _ = set_up_totp(ada)
    for email in (ADA["email"], "nobody@x.example"):
        assert hub.client.post("/api/v1/auth/password-reset", json={"email": email}).status_code == 202
    code = mailed_code(hub, ADA["email"])
    confirm = "/api/v1/auth/password-reset/confirm"
    weak = hub.client.post(confirm, json={"code": code, "new_password": "ada@x.example1"})
    assert weak.json()["code"] == "password_too_weak"
    assert hub.client.post(confirm, json={"code": code, "new_password": NEW}).status_code == 204
    assert hub.client.post(confirm, json={"code": code, "new_password": NEW}).json()["code"] == "code_invalid"
    assert ada.refused("GET", "users/me") == "not_authenticated"
    assert login(hub, 401, password=NEW)["code"] == "totp_required"
    login(hub, password=NEW, code=totp.at(now() + timedelta(seconds=30)))


def test_an_expired_reset_code_is_refused(hub, ada):
    hub.client.post("/api/v1/auth/password-reset", json={"email": ADA["email"]})
    with hub.database.session() as session:
        session.execute(text("UPDATE reset_codes SET expires_at = now() - interval '1 second'"))
    body = {"code": mailed_code(hub, ADA["email"]), "new_password": NEW}
    assert hub.client.post("/api/v1/auth/password-reset/confirm", json=body).json()["code"] == "code_invalid"


@pytest.mark.parametrize("weak", ["short", "passwordpassword", "ada@x.example", "123456789012", "qwertyuiop12"])
def test_a_password_that_somebody_would_guess_is_refused(hub, ada, weak):
    body = {"current_password": PASSWORD, "new_password": weak}
    assert ada.refused("POST", "auth/password", json=body) == "password_too_weak"
    login(hub)


def test_passwords_are_kept_as_argon2id_at_the_cost_that_the_library_advises():
    from argon2 import PasswordHasher

    assert PasswordHasher().hash(NEW).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert type(passwords.hasher) is PasswordHasher


def test_a_new_password_ends_the_other_logins_and_keeps_tokens(hub, ada):
    other = Person(hub.client, login(hub)["token"])
    script = Person(hub.client, ada.post("tokens", {"name": "s", "scopes": ["read"]})["token"])
    wrong = {"current_password": "wrong", "new_password": NEW}
    assert ada.refused("POST", "auth/password", json=wrong) == "password_wrong"
    answer = ada.call("POST", "auth/password", json={"current_password": PASSWORD, "new_password": NEW})
    assert answer.status_code == 204
    assert other.refused("GET", "users/me") == "not_authenticated"
    assert ada.get("users/me") == script.get("users/me")


def test_a_token_may_do_what_its_scopes_and_its_owner_may(hub, ada):
    reader = Person(hub.client, ada.post("tokens", {"name": "r", "scopes": ["read"]})["token"])
    project = {"name": "P", "purpose": "x", "kind": "imaging"}
    assert reader.get("projects")["items"] == []
    assert reader.refused("POST", "projects", json=project) == "scope_missing"
    assert reader.refused("POST", "tokens", json={"name": "t", "scopes": ["write"]}) == "login_needed"
    writer = Person(hub.client, ada.post("tokens", {"name": "w", "scopes": ["write"]})["token"])
    writer.post("projects", project)
    assert writer.refused("GET", "projects") == "scope_missing"
    assert ada.refused("POST", "tokens", json={"name": "a", "scopes": ["admin"]}) == "scope_not_yours"
    narrow = Person(hub.client, hub.admin.post("tokens", {"name": "n", "scopes": ["read", "write"]})["token"])
    assert narrow.refused("GET", "users") == "scope_missing"
    too_long = {"name": "l", "scopes": ["read"], "expires_days": 3000}
    assert ada.refused("POST", "tokens", json=too_long) == "token_too_long"


def test_a_token_is_kept_as_a_hash_notes_its_use_expires_and_is_revoked(hub, ada):
    made = ada.post("tokens", {"name": "script", "scopes": ["read"]})
    script = Person(hub.client, made["token"])
    script.get("projects")
    (listed,) = [row for row in ada.get("tokens") if row["kind"] == "token"]
    assert (listed["name"], listed["last_used_at"] is not None) == ("script", True)
    with hub.database.session() as session:
        assert made["token"] not in str(session.execute(text("SELECT * FROM api_tokens")).all())
        session.execute(update(ApiToken).where(ApiToken.kind == "token").values(expires_at=now()))
    assert script.refused("GET", "projects") == "not_authenticated"
    other = ada.post("tokens", {"name": "other", "scopes": ["read"]})
    assert hub.researcher.refused("DELETE", f"tokens/{other['about']['id']}") == "not_found"
    assert ada.call("DELETE", f"tokens/{other['about']['id']}").status_code == 204
    assert Person(hub.client, other["token"]).refused("GET", "projects") == "not_authenticated"


def test_a_browsers_session_is_a_cookie_that_needs_its_csrf_token_and_works_as_nothing_else(hub, ada):
    with TestClient(hub.client.app) as browser:
        answer = browser.post("/api/v1/auth/login", json={**ADA, "cookie": True})
        assert answer.json()["token"] is None
        told = answer.headers["set-cookie"].lower()
        assert "httponly" in told
        assert "samesite=lax" in told
        project = {"name": "P", "purpose": "x", "kind": "imaging"}
        for headers in ({}, {"x-csrf-token": "wrong"}):
            assert (
                browser.post("/api/v1/projects", json=project, headers=headers).json()["code"] == "csrf_token_missing"
            )
        right = {"x-csrf-token": browser.get("/api/v1/auth/session").json()["csrf_token"]}
        assert browser.post("/api/v1/projects", json=project, headers=right).status_code == 201
        stolen = browser.cookies["flip_session"]
        assert Person(hub.client, stolen).refused("GET", "users/me") == "not_authenticated"
        with hub.database.session() as session:
            session.execute(text("UPDATE api_tokens SET last_used_at = now() - interval '1 day', created_at = now()"))
        assert browser.get("/api/v1/users/me").json()["code"] == "not_authenticated"


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(hub, ada):
    https = hub.settings.model_copy(update={"public_url": "https://hub.example"})
    with TestClient(hub.app(https)) as client:
        told = client.post("/api/v1/auth/login", json={**ADA, "cookie": True}).headers["set-cookie"]
        assert told.startswith("__Host-flip_session=flips_")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(told.split("; "))


def test_a_disabled_or_demoted_person_loses_it_at_the_next_request(hub, ada):
    me = ada.get("users/me")
    hub.admin.call("PATCH", f"users/{me['id']}", json={"role": "viewer"})
    assert ada.refused("POST", "projects", json={"name": "P", "purpose": "x", "kind": "imaging"}) == "forbidden"
    hub.admin.call("PATCH", f"users/{me['id']}", json={"is_active": False})
    assert ada.refused("GET", "users/me") == "not_authenticated"
    assert login(hub, 401)["code"] == "login_failed"
    admin = hub.admin.get("users/me")
    for change in ({"is_active": False}, {"role": "viewer"}):
        assert hub.admin.refused("PATCH", f"users/{admin['id']}", json=change) == "last_admin"


def test_no_secret_of_a_login_reaches_the_log(hub, ada, caplog):
    caplog.set_level("DEBUG")
    made = login(hub)
    login(hub, 401, password="wrong-but-mine")
    assert made["token"] not in caplog.text
    assert PASSWORD not in caplog.text
    assert "wrong-but-mine" not in caplog.text
    with hub.database.session() as session:
        assert session.scalars(select(User).where(User.email == ADA["email"])).one().last_login_at

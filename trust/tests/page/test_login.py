"""Who gets in, who does not, and for how long."""

from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher, extract_parameters

from flip_trust.staff.book import Role
from flip_trust.staff.errors import PasswordTooWeak, StaffNameInvalid, StaffNameTaken, StaffUnknown
from flip_trust.staff.login import IDLE_SECONDS, LOCK_SECONDS, LONGEST_SECONDS, TRIES_OF_LOGIN

OPEN = {"/login"}


def test_nothing_but_the_login_is_open_to_somebody_who_is_not_logged_in(site):
    stranger = site.stranger()
    tried = [(m, p) for m, p in site.routes() if p not in OPEN]
    assert len(tried) > 3
    for method, path in tried:
        answer = stranger.client.request(method, path.replace("{", "").replace("}", ""), follow_redirects=False)
        assert answer.status_code == 303, (method, path)
        assert urlsplit(answer.headers["location"]).path == "/login"


def test_a_first_login_leads_to_an_own_password_and_an_authenticator_and_nowhere_else(site):
    browser = site.stranger()
    first = site.staff.add("ada", Role.REVIEWER)
    assert "Set up your account" in browser.post("/login", login="ada", password=first)
    assert "Set up your account" in browser.get("/projects")
    assert "too easy" in browser.post("/account", 422, password="password1234", again="password1234", code="0")
    assert "differ" in browser.post("/account", 422, password="four random words", again="others", code="0")
    assert "wrong" in browser.post("/account", 401, password=browser.password, again=browser.password, code="000000")
    other = site.stranger()
    other.first_login("ada", first)
    assert "Projects" in other.get("/projects")
    assert browser.client.get("/projects", follow_redirects=False).headers["location"].startswith("/login")
    assert "wrong" in site.stranger().post("/login", 401, login="ada", password=first)


def test_a_login_needs_password_and_a_code_that_was_not_used(site):
    browser = site.browser()
    browser.post("/logout")
    code = browser.code()
    assert "wrong" in browser.post("/login", 401, login="ada", password=browser.password)
    assert "wrong" in browser.post("/login", 401, login="ada", password="no", code=code)
    assert "Projects" in browser.post("/login", login="Ada ", password=browser.password, code=code)
    browser.post("/logout")
    assert "wrong" in browser.post("/login", 401, login="ada", password=browser.password, code=code)


def test_wrong_tries_lock_a_login_for_a_while_whether_it_exists_or_not(site):
    browser = site.browser()
    browser.post("/logout")
    for login in ("ada", "nobody"):
        answers = [browser.send("/login", login=login, password="no").status_code for _ in range(TRIES_OF_LOGIN + 1)]
        assert answers == [401] * TRIES_OF_LOGIN + [429]
    assert "Too many tries" in browser.post("/login", 429, login="ada", password=browser.password, code=browser.code())
    site.clock.now += LOCK_SECONDS + 1
    assert "Projects" in browser.log_in("ada")


def test_a_session_ends_by_itself_when_left_alone_and_after_a_day_s_work(site):
    browser = site.browser()
    site.clock.now += IDLE_SECONDS - 60
    assert "Projects" in browser.get("/projects")
    site.clock.now += IDLE_SECONDS + 1
    assert "Log in" in browser.get("/projects")
    browser.log_in("ada")
    started = site.clock.now
    while site.clock.now < started + LONGEST_SECONDS - 600:
        site.clock.now += 600
        assert "Decided" in browser.get("/projects")
    site.clock.now += 1200
    assert "Log in" in browser.get("/projects")


def test_a_reset_ends_sessions_and_the_lock_and_a_removal_everything(site):
    browser = site.browser()
    first = site.staff.reset("ada")
    assert "Log in" in browser.get("/projects")
    browser.first_login("ada", first)
    site.staff.remove("ada")
    assert "Log in" in browser.get("/projects")
    with pytest.raises(StaffUnknown):
        site.staff.reset("ada")


def test_a_name_is_plain_and_taken_once(site):
    site.staff.add("ada", Role.REVIEWER)
    with pytest.raises(StaffNameTaken):
        site.staff.add("ada", Role.ADMIN)
    for name in ("", "Ada", "a b", "1a", "a" * 65, "a;b"):
        with pytest.raises(StaffNameInvalid):
            site.staff.add(name, Role.REVIEWER)


def test_a_login_leads_only_to_this_page(site):
    browser = site.browser()
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/\tx"):
        browser.post("/logout")
        answer = browser.client.post(
            "/login",
            data={"login": "ada", "password": browser.password, "code": browser.code(), "next": elsewhere},
            follow_redirects=False,
        )
        assert answer.headers["location"] == "/", elsewhere


def test_a_password_is_kept_by_argon2id_at_the_cost_of_rfc_9106(monkeypatch):
    from flip_trust.staff import passwords

    monkeypatch.setattr(passwords, "hasher", PasswordHasher())
    kept = extract_parameters(passwords.hashed("four random words make it", "ada"))
    assert (kept.type.name, kept.memory_cost, kept.time_cost) == ("ID", 65536, 3)
    for weak in ("short", "aaaaaaaaaaaaaaaa", "ada-ada-ada-1"):
        with pytest.raises(PasswordTooWeak):
            passwords.hashed(weak, "ada")

"""Who one is at a hub: the password is not shown, the token is kept from others and sent to its own hub only."""

import json
import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from sdk.tests_cli.hub_fixtures import PASSWORD, Shell, TestHub, flip, hub  # noqa: F401  fixtures

from flip.cli.hub import credentials
from flip.cli.hub.credentials import Access, checked_url, read_stored, store
from flip.cli.hub.errors import AddressRefused


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_token_is_stored_for_its_owner_only(hub: TestHub, flip: Shell):  # noqa: F811
    said = flip.login(hub.url)
    assert said.out.startswith(f"Logged in to {hub.url} as The researcher (researcher), until 2")
    assert (mode(flip.credentials), mode(flip.credentials.parent)) == (0o600, 0o700)
    stored = json.loads(flip.credentials.read_text())
    assert (stored["hub_url"], stored["email"]) == (hub.url, "researcher@x.example")
    assert stored["token"] not in said.out + said.err
    assert [p.name for p in flip.credentials.parent.iterdir()] == ["credentials.json"]
    assert flip("projects").code == 0


def test_xdg_config_home_is_followed_and_an_open_folder_is_closed(hub: TestHub, flip: Shell):  # noqa: F811
    flip.env["XDG_CONFIG_HOME"] = str(flip.home / "config")
    folder = flip.home / "config" / "flip"
    folder.mkdir(parents=True, mode=0o777)
    flip.login(hub.url)
    assert (mode(folder), mode(folder / "credentials.json")) == (0o700, 0o600)


def test_a_terminal_asks_and_does_not_show_the_password(hub: TestHub, flip: Shell):  # noqa: F811
    terminal = flip.on_terminal("login", hub.url)
    terminal.until("E-mail")
    terminal.type("researcher@x.example\n")
    terminal.until("Password: ")
    terminal.type(f"{PASSWORD}\n")
    assert terminal.end() == 0, terminal.seen
    assert "Logged in" in terminal.seen
    assert PASSWORD not in terminal.seen
    assert flip.credentials.exists()


def test_a_wrong_password_is_told_in_one_line_and_stores_nothing(hub: TestHub, flip: Shell):  # noqa: F811
    said = flip("login", hub.url, "-u", "researcher@x.example", "--password-stdin", stdin="not this one")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("flip: E-mail or password is wrong. [login_failed] (request ")
    assert said.err.count("\n") == 1
    assert not flip.credentials.exists()


@pytest.mark.parametrize("options", [(), ("--password-stdin",)])
def test_without_a_terminal_nothing_is_asked(hub: TestHub, flip: Shell, options: tuple[str, ...]):  # noqa: F811
    said = flip("login", hub.url, *options)
    assert said.code == 1
    assert "--password-stdin" in said.err


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused_until_it_is_closed(hub: TestHub, flip: Shell, wide: int):  # noqa: F811
    flip.login(hub.url)
    flip.credentials.chmod(wide)
    said = flip("projects")
    assert said.code == 1
    assert "[credentials_exposed]" in said.err
    assert f"chmod 600 {flip.credentials}" in said.err
    flip.credentials.chmod(0o600)
    assert flip("projects").code == 0


def test_a_folder_that_others_can_write_is_refused(hub: TestHub, flip: Shell):  # noqa: F811
    flip.login(hub.url)
    flip.credentials.parent.chmod(0o777)
    assert f"chmod 700 {flip.credentials.parent}" in flip("projects").err


def test_a_damaged_file_asks_for_a_login_and_login_mends_it(hub: TestHub, flip: Shell):  # noqa: F811
    flip.login(hub.url)
    flip.credentials.write_text('{"hub_url": ')
    assert "[not_logged_in]" in flip("projects").err
    flip.login(hub.url)
    assert flip("projects").code == 0


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    old = Access("https://hub.example", "old")
    path = store(old)

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(credentials.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        store(Access("https://hub.example", "new"))
    assert read_stored() == old
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:80", "https://hub.example"]
)
def test_addresses_that_a_token_may_go_to(url: str):
    assert checked_url(url, insecure=False) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example",
        "http://10.0.0.7",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "hub.example",
        "ftp://hub.example",
        "https://me:secret@hub.example",
        "https://hub.example/?a=b",
    ],
)
def test_addresses_that_a_token_may_not_go_to(url: str):
    with pytest.raises(AddressRefused):
        checked_url(url, insecure=False)


def test_insecure_is_asked_for_and_warned_of(flip: Shell):  # noqa: F811
    login = ("login", "http://hub.invalid", "-u", "a@b.example", "--password-stdin")
    assert "[hub_address_refused]" in flip(*login, stdin="x").err
    said = flip(*login, "--insecure", stdin="x")
    assert "unencrypted" in said.err
    assert "[hub_unavailable]" in said.err


def test_the_environment_comes_first(hub: TestHub, flip: Shell, tmp_path: Path):  # noqa: F811
    flip.login(hub.url)
    token = json.loads(flip.credentials.read_text())["token"]
    ci = Shell(tmp_path / "ci", {"FLIP_HUB_URL": f"{hub.url}/", "FLIP_TOKEN": f"{token}\n"})
    ci.home.mkdir()
    assert ci("projects", "--json").code == 0
    flip.env = {"FLIP_TOKEN": "wrong"}
    said = flip("projects")
    assert "[not_authenticated] (request " in said.err
    assert f"flip login {hub.url}" in said.err


def test_a_stored_token_is_not_sent_to_another_hub(hub: TestHub, flip: Shell):  # noqa: F811
    flip.login(hub.url)
    flip.env["FLIP_HUB_URL"] = "https://other.invalid"
    assert "there is no token for it" in flip("projects").err
    flip.env["FLIP_HUB_URL"] = "http://other.invalid"
    assert "[hub_address_refused]" in flip("projects").err
    flip.env["FLIP_HUB_URL"] = hub.url
    assert flip("projects").code == 0


def test_logout_ends_the_token_at_the_hub_too(hub: TestHub, flip: Shell):  # noqa: F811
    flip.login(hub.url)
    token = json.loads(flip.credentials.read_text())["token"]
    assert flip("logout").out == f"Logged out of {hub.url}.\n"
    assert not flip.credentials.exists()
    assert "[not_logged_in]" in flip("projects").err
    flip.env = {"FLIP_HUB_URL": hub.url, "FLIP_TOKEN": token}
    assert "[not_authenticated]" in flip("projects").err
    assert flip("logout").out == "You were not logged in.\n"


def test_logout_without_the_hub_forgets_and_says_what_is_left(flip: Shell):  # noqa: F811
    flip.credentials.parent.mkdir(parents=True, mode=0o700)
    access = {"hub_url": "http://127.0.0.1:9", "token": "t", "expires_at": "2030-01-01T00:00:00+00:00"}
    with os.fdopen(os.open(flip.credentials, os.O_WRONLY | os.O_CREAT, 0o600), "w") as sink:
        json.dump(access, sink)
    said = flip("logout")
    assert said.code == 0
    assert "hub_unavailable" in said.out
    assert "stays valid until 20" in said.out
    assert not flip.credentials.exists()


def test_a_second_factor_is_asked_for_or_given(hub: TestHub, flip: Shell):  # noqa: F811
    email = f"{uuid4()}@x.example"
    codes = hub.do("second_factor", email=email)
    command = ("login", hub.url, "-u", email)
    said = flip(*command, "--password-stdin", stdin=PASSWORD)
    assert (said.code, "[totp_required]" in said.err) == (1, True)
    assert flip(*command, "--password-stdin", "--code", codes[0], stdin=PASSWORD).code == 0
    flip.credentials.unlink()
    terminal = flip.on_terminal(*command)
    terminal.until("Password: ")
    terminal.type(f"{PASSWORD}\n")
    terminal.until("Code of your authenticator app")
    terminal.type(f"{codes[1]}\n")
    assert terminal.end() == 0, terminal.seen
    assert flip.credentials.exists()


def test_an_api_token_of_the_page_is_a_login_too(hub: TestHub, flip: Shell):  # noqa: F811
    said = flip("login", hub.url, "--token-stdin", stdin=hub.do("api_token"))
    assert said.out.startswith(f"Logged in to {hub.url} as The researcher (researcher), until 2")
    assert flip("projects").code == 0
    said = flip("login", hub.url, "--token-stdin", stdin="flip_wrong")
    assert (said.code, "[not_authenticated]" in said.err) == (1, True)

"""`flip login` and `flip logout`."""

from __future__ import annotations

import getpass
import os
import sys
import warnings
from typing import Annotated, Final

import typer

from flip.cli.hub.credentials import Access, checked_url, forget, read_stored, store
from flip.cli.hub.errors import CredentialsExposed, HubProblem, HubUnavailable, NotLoggedIn, Refused
from flip.cli.hub.output import clean, day, note
from flip.cli.hub.records import Login
from flip.cli.hub.session import connect
from flip.errors import FlipError

NEXT: Final = {"change_password": "choose a password of your own", "enrol_totp": "set up an authenticator app"}


def login(
    url: Annotated[str, typer.Argument(metavar="URL", help="The hub, as https://hub.example.")],
    username: Annotated[
        str, typer.Option("--username", "-u", help="Your e-mail at the hub; asked for if left out.")
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    code: Annotated[
        str,
        typer.Option("--code", help="Of your authenticator app, or a recovery code; asked for if needed."),
    ] = "",
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read an API token, made on the hub's page, from standard input.")
    ] = False,
    insecure: Annotated[bool, typer.Option("--insecure", help="Allow plain HTTP to another machine.")] = False,
) -> None:
    """Log in to a hub. The token is kept in your config folder, where only you can read it."""
    url = checked_url(url, insecure)
    if insecure and url.startswith("http:"):
        note("Your password and token travel unencrypted to this hub.")
    if token_stdin:
        return _keep(url, sys.stdin.read().strip(), insecure)
    if not password_stdin and not sys.stdin.isatty():
        raise Refused("There is no terminal to ask on. Use --username and --password-stdin.", code="no_terminal")
    if password_stdin and not username:
        raise Refused("--password-stdin needs --username too.", code="no_username")
    email = username or typer.prompt("E-mail", err=True)
    password = sys.stdin.read().rstrip("\r\n") if password_stdin else _ask()
    with connect(Access(url, "")) as hub:
        try:
            made = hub.login(email, password, code)
        except HubProblem as error:
            if error.code != "totp_required" or not sys.stdin.isatty():
                raise
            made = hub.login(email, password, typer.prompt("Code of your authenticator app", err=True))
    _logged_in(url, made["token"], made, insecure)


def _keep(url: str, token: str, insecure: bool) -> None:
    with connect(Access(url, token)) as hub:
        _logged_in(url, token, hub.session(), insecure)


def _logged_in(url: str, token: str, made: Login, insecure: bool) -> None:
    user = made["user"]
    path = store(Access(url, token, user["email"], made["expires_at"], insecure))
    print(clean(f"Logged in to {url} as {user['name']} ({user['role']}), until {day(made['expires_at'])}."))
    note(f"The token is in {path}.")
    if made["next"]:
        what = NEXT.get(made["next"], "finish your login")
        note(f"Before this login opens anything, {what} on the hub's page: {url}")
    if overriding := [name for name in ("FLIP_HUB_URL", "FLIP_TOKEN") if os.environ.get(name)]:
        note(f"{' and '.join(overriding)} in your environment still come before it.")


def _ask() -> str:
    """The password, from the terminal and without echo, or not at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass("Password: ")
        except getpass.GetPassWarning:
            raise Refused("This terminal cannot hide a password. Use --password-stdin.", code="no_terminal") from None


def logout() -> None:
    """End this login at the hub and forget the token."""
    try:
        stored = read_stored()
    except (CredentialsExposed, NotLoggedIn):  # a file that we do not trust is removed all the same
        stored = None
    said = _end(stored) if stored else "The stored token is removed."
    print(clean(said if forget() else "You were not logged in."))
    if os.environ.get("FLIP_TOKEN"):
        note("FLIP_TOKEN is still set in your environment.")


def _end(access: Access) -> str:
    try:
        with connect(access, retries=False) as hub:
            hub.logout()
    except HubProblem as error:
        if error.status == 401:
            return f"{access.hub_url} had already ended this login; the token is removed here too."
        return _still_valid(access, error)
    except HubUnavailable as error:
        return _still_valid(access, error)
    return f"Logged out of {access.hub_url}."


def _still_valid(access: Access, error: FlipError) -> str:
    return (
        f"The token is removed here, but the hub could not end it ({error.code}); "
        f"it stays valid until {day(access.expires_at)}."
    )

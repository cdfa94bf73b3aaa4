"""What can go wrong between this command and a hub, and the one line that tells it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, ParamSpec, TypeVar

import typer

from flip.cli.hub.output import clean
from flip.errors import FlipError

P = ParamSpec("P")
R = TypeVar("R")


class HubProblem(FlipError):
    """The hub said no. `request_id` finds the answer in the hub's log; `status` is HTTP's."""

    default_code: ClassVar[str] = "hub_problem"

    def __init__(self, message: str, *, code: str, details: dict[str, Any], request_id: str, status: int) -> None:
        super().__init__(message, code=code, details=details)
        self.request_id, self.status = request_id, status


class HubUnavailable(FlipError):
    """The hub does not answer, or something in front of it answers in its place."""

    default_code: ClassVar[str] = "hub_unavailable"


class NotLoggedIn(FlipError):
    """No token for this hub on this machine."""

    default_code: ClassVar[str] = "not_logged_in"


class AddressRefused(FlipError):
    """A hub address to which a token is not sent."""

    default_code: ClassVar[str] = "hub_address_refused"


class CredentialsExposed(FlipError):
    """Other users of this machine could read or change the stored token."""

    default_code: ClassVar[str] = "credentials_exposed"


class Unknown(FlipError):
    """No project, model or run of this name or id."""

    default_code: ClassVar[str] = "not_found"


class Ambiguous(FlipError):
    """Several things answer to this name; the message lists them."""

    default_code: ClassVar[str] = "ambiguous"


class Refused(FlipError):
    """The command stopped before it changed anything; the message says what would let it go on."""

    default_code: ClassVar[str] = "refused"


def line_of(error: FlipError) -> str:
    """`flip: <message> [<code>] (request <id>)`; short details of the hub come behind the message.

    What a message lists on further lines follows below.
    """
    facts = ""
    if isinstance(error, HubProblem):
        short = {k: v for k, v in error.details.items() if k != "findings"}
        facts = "".join(f" {key}: {_short(value)}." for key, value in short.items())
    request = f" (request {error.request_id})" if isinstance(error, HubProblem) and error.request_id else ""
    head, _, listed = str(error).partition("\n")
    return clean(f"flip: {head}{facts} [{error.code}]{request}" + (f"\n{listed}" if listed else ""), keep="\n")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} ({v})" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def told(command: Callable[P, R]) -> Callable[P, R]:
    """The command with every expected failure told as one line on stderr, and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except FlipError as error:
            print(line_of(error), file=sys.stderr)
        except BrokenPipeError:
            raise  # the reader has had enough (`| head`): the command tree ends quietly
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            print(f"flip: {error.strerror or error}{where} [file_error]", file=sys.stderr)
        raise typer.Exit(1)

    return run

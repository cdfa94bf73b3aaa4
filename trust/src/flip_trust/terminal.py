"""What the verbs of `flip-trust` share."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from flip_trust.agent import Agent
from flip_trust.errors import TrustError
from flip_trust.settings import trust_settings

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
By = Annotated[str, typer.Option(help="Who decides, as the researcher will see it.", default_factory=getpass.getuser)]


def opened() -> Agent:
    with told():
        return Agent(trust_settings())


def fail(code: str, message: str) -> typer.Exit:
    typer.echo(f"{code}: {message}", err=True)
    return typer.Exit(1)


@contextmanager
def told() -> Iterator[None]:
    """A refusal ends the command with its code and text."""
    try:
        yield
    except TrustError as error:
        raise fail(error.code, error.public) from None

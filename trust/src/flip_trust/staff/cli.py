"""`flip-trust staff add | list | role | reset | remove`: who may log in at the trust's own page."""

from datetime import UTC, datetime

import typer

from flip_trust.errors import TrustError
from flip_trust.settings import NodeSettings, node_settings
from flip_trust.staff.book import Role, StaffBook
from flip_trust.staff.login import Staff

staff = typer.Typer(help="Who may log in at this trust's own page.", no_args_is_help=True)


def open_staff(settings: NodeSettings | None = None) -> Staff:
    return Staff(StaffBook((settings or node_settings()).data_dir / "staff.db"))


def _refuse(error: TrustError) -> typer.Exit:
    typer.echo(f"{error.code}: {error.public}", err=True)
    return typer.Exit(1)


@staff.command()
def add(login: str, role: Role = Role.REVIEWER) -> None:
    """A new account. Prints a password for its first login, at which the owner sets up an authenticator."""
    try:
        password = open_staff().add(login, role)
    except TrustError as error:
        raise _refuse(error) from None
    typer.echo(f"{login} ({role})\npassword for the first login: {password}")


@staff.command("list")
def list_staff() -> None:
    """Everybody, with role and whether their account is set up."""
    try:
        members = open_staff().members()
    except TrustError as error:
        raise _refuse(error) from None
    for member in members:
        since = datetime.fromtimestamp(member.created_at, UTC)
        state = "" if member.is_set_up else "  has not set up their account yet"
        typer.echo(f"{member.login:<24} {member.role:<9} since {since:%Y-%m-%d}{state}")


@staff.command()
def role(login: str, role: Role) -> None:
    """Give somebody another role; it holds from their next click."""
    try:
        open_staff().set_role(login, role)
    except TrustError as error:
        raise _refuse(error) from None
    typer.echo(f"{login} is {role} now.")


@staff.command()
def reset(login: str) -> None:
    """For a lost password or phone, and to end a lock: a new first password. Their sessions end."""
    try:
        password = open_staff().reset(login)
    except TrustError as error:
        raise _refuse(error) from None
    typer.echo(f"password for the first login: {password}")


@staff.command()
def remove(login: str) -> None:
    """Delete an account; its sessions end. What it decided stays on record."""
    try:
        open_staff().remove(login)
    except TrustError as error:
        raise _refuse(error) from None
    typer.echo(f"{login} is removed.")

"""`flip-trust optout add | remove | list`."""

from pathlib import Path
from typing import Annotated

import typer

from flip_trust.optouts.service import read_csv
from flip_trust.terminal import By, opened, told

optout = typer.Typer(help="People who are not to be in any cohort.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="CSV: one OMOP person_id a line, or a column of that name.")]


@optout.command()
def add(file: File, by: By) -> None:
    """Take these people out of every cohort at once; runs that use one with them end here."""
    with told():
        added = opened().optouts.add(read_csv(file), by)
    typer.echo(f"{added.new} people are new on the list; {added.known} were on it.")
    typer.echo(f"{len(added.cohorts)} frozen cohort(s) had some of them; runs with these end here within seconds.")


@optout.command()
def remove(file: File) -> None:
    """Take people off the list. They do not come back into a cohort that is frozen already."""
    with told():
        gone = opened().optouts.remove(read_csv(file))
    typer.echo(f"{gone} people were taken off the list.")


@optout.command("list")
def list_optouts(
    ids: Annotated[bool, typer.Option("--ids", help="Print the ids, too. They are patient data.")] = False,
) -> None:
    """How many people are on the list."""
    found = opened().optouts
    typer.echo(f"{found.count()} people are on the list.")
    if ids:
        for person in sorted(found.persons()):
            typer.echo(str(person))

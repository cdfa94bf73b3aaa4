"""`flip-trust enrich`: add labels and other files to the accessions of a project."""

import getpass
from collections import Counter
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from flip_trust.enrich.errors import FileMissing, NotMatched, ResourceRefused
from flip_trust.enrich.matching import Match, from_folder, from_table
from flip_trust.enrich.service import Images
from flip_trust.errors import TrustError
from flip_trust.imaging.errors import ImagingError


def enrich(
    images: Images, project_id: UUID, matches: list[Match], by: str, *, shared: bool
) -> list[tuple[int, str, str]]:
    """Add each; gives back place, code ('' where it was taken) and what to do, never a name."""
    told: list[tuple[int, str, str]] = []
    for match in matches:
        try:
            if not match.accession:
                raise NotMatched("No accession of this project fits. Begin the name with it, or use --csv.")
            if not match.file.is_file():
                raise FileMissing("There is no such file.")
            images.add(project_id, match.accession, match.name, match.file.read_bytes(), by=by, shared=shared)
        except (TrustError, ImagingError) as refusal:
            told.append((match.place, refusal.code, refusal.public))
        else:
            told.append((match.place, "", ""))
    return told


def command(
    project: Annotated[UUID, typer.Option(help="The project whose accessions these are.")],
    by: Annotated[str, typer.Option(help="Who adds them.", default_factory=getpass.getuser)],
    folder: Annotated[Path | None, typer.Argument(help="Files named <accession>_*, or in folders named so.")] = None,
    table: Annotated[Path | None, typer.Option("--csv", help="Columns accession_id, file[, name].")] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="For every project of this trust, not this one alone.")
    ] = False,
) -> None:
    """Add labels (.nii, .nii.gz, on the grid of their image) and other files to accessions, for good."""
    from flip_trust.terminal import fail, opened

    if (folder is None) == (table is None):
        raise fail("enrich_one_source", "Give a folder, or --csv with a table. Not both.")
    agent = opened()
    accessions = agent.store.accessions(project)
    if accessions is None:
        raise fail(
            "project_unknown", "This trust holds no approved cohort of such a project. See `flip-trust projects`."
        )
    try:
        matches = from_table(table) if table else from_folder(folder or Path(), accessions)
    except ResourceRefused as refusal:
        raise fail(refusal.code, refusal.public) from None
    told = enrich(agent.images, project, matches, by, shared=shared)
    unit = "line" if table else "file"
    for place, code, what in told:
        if code:
            typer.echo(f"{unit} {place}: {code}: {what}")
    codes = Counter(code for _, code, _ in told)
    typer.echo(f"{codes.pop('', 0)} added, {codes.total()} refused, of {len(told)}.")
    if codes or not told:
        raise typer.Exit(1)

"""`flip-trust pacs test`, `flip-trust cache status | verify | evict | certificate`."""

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from flip_trust.errors import SettingsInvalid
from flip_trust.imaging.drivers.faults import PacsFault
from flip_trust.imaging.drivers.opened import open_driver
from flip_trust.imaging.drivers.port import PacsDriver
from flip_trust.imaging.errors import ImagingError
from flip_trust.imaging.fetching import Incomplete, announced, find_one, pull_whole
from flip_trust.settings import TrustSettings, trust_settings

if TYPE_CHECKING:
    from flip_trust.agent import Agent

pacs = typer.Typer(help="The imaging archive: is it reached, does it let us query and retrieve.")
cache = typer.Typer(help="Prepared images: how many, how large, whole or not, who uses them, what was deleted.")
Json = Annotated[bool, typer.Option("--json")]


def _agent() -> "Agent":
    from flip_trust.agent import Agent  # `pacs test` must work before anything else does

    return Agent(_settings())


def _settings() -> TrustSettings:
    try:
        return trust_settings()
    except SettingsInvalid as error:
        typer.echo(f"{error.code}: {error.public}", err=True)
        raise typer.Exit(1) from None


@pacs.command("test")
def try_out(
    accession: Annotated[str, typer.Option(help="Pull this study too, to a folder that is deleted again.")] = "",
) -> None:
    """Say step by step what works, and at the first thing that does not, what to do about it."""
    settings = _settings()
    driver = open_driver(settings.pacs, settings.dicom_dir, settings.data_dir / "imaging" / "test")
    try:
        fine = True
        for check in driver.test():
            fine = fine and check.fine
            typer.echo(f"ok    {check.name}" if check.fine else f"FAIL  {check.name}: {check.remedy}")
        if fine and accession:
            fine = _pull(driver, accession.strip())
    finally:
        driver.close()
    if not fine:
        raise typer.Exit(1)


def _pull(driver: PacsDriver, accession: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="flip-pacs-test-") as folder:
        try:
            study = find_one(driver, accession)
            typer.echo(f"ok    find: one study, {announced(study) or 'an unknown number of'} instances announced")
            start = time.perf_counter()
            pulled = pull_whole(driver, study, Path(folder), lambda _: None)
        except Incomplete:
            typer.echo(
                "FAIL  instances_missing: fewer or more instances came than the PACS announced. Try again later."
            )
            return False
        except PacsFault as found:
            typer.echo(f"FAIL  {found.fault.value}: {found.public}")
            return False
        except ImagingError as error:
            typer.echo(f"FAIL  {error.code}: {error.public}")
            return False
        seconds = time.perf_counter() - start
        rate = pulled.bytes / 1e6 / seconds
    typer.echo(
        f"ok    retrieve: {pulled.instances} instances, {pulled.bytes / 1e6:.1f} MB, {rate:.0f} MB/s; deleted again"
    )
    return True


@cache.command()
def status(as_json: Json = False) -> None:
    """Studies and bytes per project, what is being waited for, how many studies a run holds."""
    agent = _agent()
    usage, waiting = agent.pipeline.cache.usage(), agent.ledger.waiting()
    rows: list[dict[str, Any]] = []
    for project_id in sorted({*usage, *waiting}, key=str):
        used, row = usage.get(project_id), agent.store.project(project_id)
        stages, excluded, _ = agent.ledger.counts(project_id)
        rows.append(
            {
                "project_id": str(project_id),
                "name": row.review.project_name if row else "",
                "studies": used.studies if used else 0,
                "bytes": used.bytes if used else 0,
                "held_by_runs": used.leased if used else 0,
                "stages": stages,
                "excluded": excluded,
                "waits_for": waiting[project_id][0] if project_id in waiting else "",
            }
        )
    if as_json:
        typer.echo(json.dumps({"projects": rows, "limit_bytes": agent.pipeline.cache.limit}, indent=1))
        return
    for row in rows:
        typer.echo(
            f"{row['project_id']}  {row['studies']:>6} studies  {row['bytes'] / 1e9:8.2f} GB  "
            f"{row['held_by_runs']} held by runs  {row['name']}"
        )
        typer.echo(f"    {_listed(row['stages'])}")
        if row["excluded"]:
            typer.echo(f"    excluded: {_listed(row['excluded'])}")
        if row["waits_for"]:
            typer.echo(f"    waits for: {row['waits_for']} (docs/connect-a-pacs.md)")
    limit = agent.pipeline.cache.limit
    typer.echo(
        f"{agent.pipeline.cache.total() / 1e9:.2f} GB in all, limit {f'{limit / 1e9:.0f} GB' if limit else 'none'}"
    )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing"


@cache.command()
def verify(project_id: Annotated[UUID | None, typer.Argument(help="Only this project.")] = None) -> None:
    """Read every file again and compare its SHA-256. Damaged studies are removed, and made again when needed."""
    agent = _agent()
    store, damaged, looked = agent.pipeline.cache, 0, 0
    for project in [project_id] if project_id else list(store.usage()):
        for key in store.keys(project):
            with agent.pipeline.locked(key):
                if not store.has(project, key) or store.is_whole(project, key, dicom=True, thorough=True):
                    looked += 1
                    continue
                store.drop(project, key)
                damaged += 1
    typer.echo(f"{looked} studies are as they were made; {damaged} were damaged and are removed.")
    if damaged:
        raise typer.Exit(1)


@cache.command()
def evict(
    to_gb: Annotated[float | None, typer.Option(help="Remove the longest unused until so much is left.")] = None,
    unused_days: Annotated[float | None, typer.Option(help="Remove what no app has asked for in so many days.")] = None,
) -> None:
    """Make room. What a run in progress has asked for stays; what goes is made again when it is asked for."""
    if (to_gb is None) == (unused_days is None):
        typer.echo("invalid_option: give one of --to-gb and --unused-days.", err=True)
        raise typer.Exit(1)
    store = _agent().pipeline.cache
    since = time.time() - unused_days * 86400 if unused_days is not None else None
    freed = store.evict(unused_since=since, limit=max(1, int(to_gb * 1e9)) if to_gb is not None else 0)
    typer.echo(f"{freed / 1e9:.2f} GB freed, {store.total() / 1e9:.2f} GB left.")


@cache.command()
def certificate(project_id: UUID, as_json: Json = False) -> None:
    """What was deleted of a project that has ended here, signed by this trust's key."""
    agent = _agent()
    found = agent.deletions.certificates(project_id)
    if not found:
        typer.echo("no_certificate: nothing of such a project was deleted here.", err=True)
        raise typer.Exit(1)
    for signed in found:
        made, holds = signed.certificate, signed.holds(agent.key.public)
        if as_json:
            typer.echo(signed.model_dump_json(indent=1))
        else:
            typer.echo(f"{made.trust} deleted {len(made.files)} files of project {made.project_id} ({made.reason})")
            typer.echo(
                f"from {_time(made.began_at)} to {_time(made.ended_at)}, {sum(f.bytes for f in made.files):,} bytes"
            )
            for file in made.files:
                typer.echo(f"  {file.sha256}  {file.study}/{file.name}")
            typer.echo(made.statement)
        typer.echo("The signature is this trust's." if holds else "THE SIGNATURE DOES NOT HOLD.", err=not holds)
        if not holds:
            raise typer.Exit(1)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

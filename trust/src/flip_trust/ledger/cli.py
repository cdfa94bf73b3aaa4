"""`flip-trust ledger list | verify | export`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from flip_trust.ledger.export import as_csv, as_fhir
from flip_trust.ledger.verify import verify
from flip_trust.terminal import fail, opened, told

ledger = typer.Typer(help="What left this trust, and what it refused.", no_args_is_help=True)
Since = Annotated[int | None, typer.Option("--days", min=1, help="Only of the last so many days.")]


@ledger.command("list")
def list_entries(
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 30,
    project: Annotated[str, typer.Option(help="Only of this project's id.")] = "",
    run: Annotated[str, typer.Option(help="Only of this run's id.")] = "",
    kind: Annotated[str, typer.Option(help="Only of this kind.")] = "",
    outcome: Annotated[str, typer.Option(help="sent, refused or noted.")] = "",
) -> None:
    """The newest entries, the newest first."""
    with told():
        found = opened().what_left.entries(
            limit=limit, newest_first=True, project_id=project, run_id=run, kind=kind, outcome=outcome
        )
    for e in found:
        why = f"  {e.code}: {e.text}" if e.code else ""
        about = e.run_id or e.project_id
        typer.echo(
            f"{e.seq:>7}  {e.at[:19]}  {e.outcome:<7}  {e.kind:<22} {e.bytes:>9} B  {e.sha256[:12]:<12}  {about}{why}"
        )


@ledger.command("verify")
def verify_ledger(
    anchor: Annotated[str, typer.Option(help="NUMBER:HASH of an entry that you noted elsewhere before.")] = "",
) -> None:
    """Is every entry as it was written, and none missing? Ends with 1 if not."""
    number, _, sha256 = anchor.partition(":")
    if anchor and not (number.isdigit() and sha256):
        raise fail("anchor_invalid", "An anchor is NUMBER:HASH, as `flip-trust ledger verify` prints it.")
    with told():
        path = opened().what_left.path
    found = verify(path, (int(number), sha256) if anchor else None)
    for problem in found.problems:
        typer.echo(problem, err=True)
    if found.problems:
        raise fail("ledger_broken", f"{len(found.problems)} problem(s) in {found.entries} entries.")
    typer.echo(f"{found.entries} entries, all as they were written. Note elsewhere: {found.entries}:{found.head}")


@ledger.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write; an existing file is not touched.")],
    fhir: Annotated[bool, typer.Option("--fhir/--csv", help="FHIR R4 AuditEvent as NDJSON, or CSV.")] = False,
    days: Since = None,
) -> None:
    """Everything, or that of the last days, into a file."""
    with told():
        agent = opened()
        since = datetime.now(UTC) - timedelta(days=days) if days else None
        entries = agent.what_left.everything(since=since)
        lines = as_fhir(entries, agent.store.identity().get("name", "")) if fhir else as_csv(entries)
    try:
        with file.open("x", encoding="utf-8", newline="") as sink:
            sink.writelines(lines)
    except OSError as error:
        raise fail("file_not_written", f"{file}: {error.strerror or type(error).__name__}.") from None
    typer.echo(f"Written to {file}.")

"""`flip-trust omop load | synth | check | init-role`: the database that cohort queries ask."""

import json
import secrets
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import make_conninfo

from flip_contracts.sql_guard.schema import Columns, allowed_columns, names
from flip_trust.errors import TrustError
from flip_trust.omop.load import load, sources
from flip_trust.omop.quality import examine
from flip_trust.settings import TrustSettings
from flip_trust.sql.opened import open_engine
from flip_trust.sql.roles import Found, look, missing, script

omop = typer.Typer(help="The OMOP database: load a mart, make a synthetic one, check it, prepare PostgreSQL.")
Mart = Annotated[Path, typer.Option("--mart", envvar="FLIP_TRUST_OMOP_PATH", help="The DuckDB file.")]
Also = Annotated[str, typer.Option(envvar="FLIP_TRUST_OMOP_ALSO", help="table.column names beyond the default.")]
Never = Annotated[str, typer.Option(envvar="FLIP_TRUST_OMOP_NEVER", help="table.column names to leave out.")]


def _fail(code: str, message: str) -> typer.Exit:
    typer.echo(f"{code}: {message}", err=True)
    return typer.Exit(1)


def _columns(also: str, never: str) -> Columns:
    try:
        return allowed_columns(names(also), names(never))
    except ValueError as error:
        raise _fail("column_unknown", str(error)) from None


@omop.command("load")
def load_files(folder: Path, mart: Mart, also: Also = "", never: Never = "") -> None:
    """Load a CDM of CSV or Parquet files into the mart, only columns that may be asked. The old one stays till then."""
    columns = _columns(also, never)
    total = len(sources(folder)) if folder.is_dir() else 0
    with typer.progressbar(length=total, label="Loading") as bar:
        try:
            report = load(folder, mart, columns, lambda table, rows: bar.update(1))
        except TrustError as error:
            raise _fail(error.code, error.public) from None
    for table, rows in report.rows.items():
        typer.echo(f"{rows:>12,}  {table}")
    for problem in report.problems:
        typer.echo(f"note  {problem}")
    typer.echo(f"The mart is in place: {sum(report.rows.values()):,} rows. Look closer with `flip-trust omop check`.")


@omop.command()
def synth(mart: Mart, persons: int = 10_000, seed: int = 1, also: Also = "", never: Never = "") -> None:
    """Make a synthetic mart: nobody in it is real. A million persons take about half a minute."""
    from flip_trust.synthetic.omop import synthesise  # numpy's random machinery is not needed by the other commands

    if persons < 1:
        raise _fail("invalid_option", "--persons is at least 1.")
    with typer.progressbar(length=24, label="Making") as bar:
        rows: dict[str, int] = {}

        def told(table: str, count: int) -> None:
            rows[table] = count
            bar.update(1)

        synthesise(mart, seed, persons, told, allowed=_columns(also, never))
    for table, count in rows.items():
        typer.echo(f"{count:>12,}  {table}")


@omop.command()
def check(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Report what will surprise: accessions, dates, concepts and persons that are nowhere. The counts stay here."""
    found = examine(open_engine(TrustSettings()))  # type: ignore[call-arg]  # from the environment
    if as_json:
        told = [{"name": f.check.name, "count": f.count, "serious": f.check.serious} for f in found]
        typer.echo(json.dumps(told, indent=1))
    else:
        for finding in found:
            if finding.fine:
                typer.echo(f"ok    {finding.check.name}")
            elif finding.count is None:
                typer.echo(f"FAIL  {finding.check.name}: the database could not answer; run `flip-trust doctor`")
            else:
                label = "FAIL" if finding.check.serious else "note"
                typer.echo(f"{label}  {finding.check.name}: {finding.count:,} {finding.check.says}")
    if any(not f.fine and f.check.serious for f in found):
        raise typer.Exit(1)


@omop.command("init-role")
def init_role(
    admin_url: Annotated[str, typer.Option(envvar="FLIP_TRUST_OMOP_ADMIN_URL", help="A superuser's URL.")] = "",
    run: Annotated[bool, typer.Option("--run", help="Run the script instead of printing it.")] = False,
    schema: Annotated[str, typer.Option(help="The schema that holds the CDM.")] = "omop",
    role: str = "flip_cohort",
    catalog: Annotated[bool, typer.Option(help="Take catalogs and server functions from PUBLIC too.")] = True,
    also: Also = "",
    never: Never = "",
) -> None:
    """Make the restricted PostgreSQL role and its views: print the script, or run it and print the URL to use."""
    columns, password = _columns(also, never), secrets.token_urlsafe(24)
    if not admin_url and run:
        raise _fail("invalid_option", "--run needs --admin-url (or FLIP_TRUST_OMOP_ADMIN_URL).")
    try:
        if not admin_url:
            every = {table: {c: t for c, t in known.items()} for table, known in columns.items()}
            statements = script(
                Found("omop", every, []), columns, role=role, password=password, cdm_schema=schema, catalog=catalog
            )
            typer.echo("-- For a complete CDM in the database omop; with --admin-url it is fitted to yours.")
            typer.echo(";\n".join(statements) + ";")
            return
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as connection:
            found = look(connection, schema, role)
            if not found.columns:
                raise _fail("schema_empty", f"There are no tables in the schema {schema}. Name it with --schema.")
            statements = script(found, columns, role=role, password=password, cdm_schema=schema, catalog=catalog)
            if not run:
                typer.echo(";\n".join(statements) + ";")
                return
            with connection.transaction():
                for statement in statements:
                    connection.execute(statement.encode())
            address = make_conninfo(admin_url, user=role, password=password)
    except psycopg.Error as error:
        text = f"PostgreSQL refused ({type(error).__name__}). The admin URL must be a superuser's; nothing was changed."
        raise _fail("omop_role_failed", text) from None
    for name in missing(found, columns):
        typer.echo(f"note  {name} is not in your CDM: cohort queries find nothing there", err=True)
    typer.echo(f"FLIP_TRUST_OMOP_URL={_shell(address)}")


def _shell(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"

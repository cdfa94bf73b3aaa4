"""`flip-hub init | serve | migrate | openapi | audit verify | audit export`."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flip_hub.settings import HubSettings

if TYPE_CHECKING:
    from flip_hub.db import Database

KEEP_ALIVE_SECONDS = 75  # longer than a proxy keeps its own end open (60 s): it must not meet a closed door
app = typer.Typer(help="FLIP's central hub. Settings come from FLIP_HUB_* variables.", no_args_is_help=True)
audit = typer.Typer(help="The record of decisions and accesses.", no_args_is_help=True)
app.add_typer(audit, name="audit")


@contextmanager
def _database(settings: HubSettings) -> Iterator["Database"]:
    """The database of the settings, or an embedded one that ends with us."""
    from flip_hub import tables  # noqa: F401  every table must be known before the first mapping
    from flip_hub.db import Database
    from flip_hub.postgres import EmbeddedPostgres

    embedded = None if settings.database_url else EmbeddedPostgres(settings.data_dir / "postgres")
    database = Database(settings.database_url or (embedded.url if embedded else ""))
    try:
        yield database
    finally:
        database.close()
        if embedded:
            embedded.stop()


def migrate_database(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, "head")


@app.command()
def init(admin_email: str = "admin@flip.example", as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Make keys, migrate the database, create the first admin and print its password once."""
    from sqlalchemy import select

    from flip_hub.users.service import create_user
    from flip_hub.users.tables import User

    settings = HubSettings()  # type: ignore[call-arg]  # from the environment
    from flip_hub.keys import ensure_signing_key

    ensure_signing_key(settings.signing_key_file)
    with _database(settings) as database:
        migrate_database(database.url)
        with database.session() as session:
            if session.scalar(select(User.id).where(User.email == admin_email)):
                typer.echo("This hub is initialised already; nothing was changed.", err=True)
                raise typer.Exit(1)
            _, password = create_user(session, "init", admin_email, "Admin", "admin", None)
    made = {"email": admin_email, "password": password}
    typer.echo(json.dumps(made) if as_json else f"Admin {admin_email}, password (shown once): {password}")


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    with _database(HubSettings()) as database:  # type: ignore[call-arg]
        migrate_database(database.url)


@app.command()
def serve() -> None:
    """Serve the API; run scheduler and net followers."""
    settings = HubSettings()  # type: ignore[call-arg]
    if not settings.signing_key_file.exists():
        typer.echo("This hub is not initialised. Run `flip-hub init` first.", err=True)
        raise typer.Exit(1)
    # uvicorn ends by raising the signal again: as SystemExit it lets the embedded database be stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _database(settings) as database:
        migrate_database(database.url)
        typer.echo(f"FLIP hub on http://{settings.host}:{settings.port}")
        _listen(settings, database)


def _listen(settings: HubSettings, database: "Database") -> None:
    import uvicorn

    from flip_hub.workers import make_app, set_up_process

    set_up_process()
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "log_level": "warning",
        "access_log": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": 2,  # a long poll must not hold the shutdown
    }
    if settings.workers == 1:
        uvicorn.run(make_app(settings, database), **options)
    else:
        os.environ["FLIP_HUB_DATABASE_URL"] = database.url  # of the embedded one, if that is it
        uvicorn.run("flip_hub.workers:make", factory=True, workers=settings.workers, **options)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the user and trust APIs."""
    with TemporaryDirectory() as folder:
        from flip_hub.app import create_app
        from flip_hub.db import Database

        settings = HubSettings(data_dir=Path(folder), background=False)
        from flip_hub.keys import ensure_signing_key

        ensure_signing_key(settings.signing_key_file)
        typer.echo(json.dumps(create_app(settings, Database("postgresql://unused")).openapi(), indent=1))


@audit.command("verify")
def audit_verify() -> None:
    """Check the audit log: its hash chain, its end, and the signed anchors in `audit/anchors.jsonl`."""
    from flip_hub.audit.proof import anchors_file, problems, read_anchors
    from flip_hub.keys import SigningKey

    settings = HubSettings()  # type: ignore[call-arg]
    anchors, foreign = read_anchors(SigningKey(settings.signing_key_file).public, anchors_file(settings.data_dir))
    with _database(settings) as database, database.session() as session:
        count, wrong = problems(session, anchors)
    wrong += [f"Line {number} of the anchors was not signed by this hub." for number in foreign]
    for problem in wrong:
        typer.echo(problem, err=True)
    if wrong:
        raise typer.Exit(1)
    typer.echo(f"The audit log is whole: {count} rows, {len(anchors)} anchors agree.")


@audit.command("export")
def audit_export(since: datetime | None = None, until: datetime | None = None) -> None:
    """Print the audit log as JSON lines, oldest first. Times are UTC; `since` is included, `until` is not."""
    from flip_hub.audit.proof import as_json, rows

    with _database(HubSettings()) as database, database.session() as session:  # type: ignore[call-arg]
        for row in rows(session, since and since.replace(tzinfo=UTC), until and until.replace(tzinfo=UTC)):
            typer.echo(as_json(row))

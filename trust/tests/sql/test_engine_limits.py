"""The engine on a small synthetic hospital: right answers, hard limits, and a database that is locked down."""

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flip_contracts.sql_guard import CheckedQuery, check
from flip_trust.sql import child
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.sql.engine import EngineFailed
from flip_trust.synthetic.omop import choose_accessions, demo_query, write_omop

PERSONS, ACCESSIONS = 300, 20

LEGIT = {
    "persons": "SELECT person_id, year_of_birth FROM omop.person WHERE year_of_birth < 1950",
    "demo": demo_query(),
    "aggregate": "SELECT person_id, count(*) AS n, min(value_as_number) AS low FROM omop.measurement "
    "GROUP BY person_id",
    "exists": "SELECT p.person_id FROM omop.person p WHERE EXISTS (SELECT 1 FROM omop.drug_exposure d "
    "WHERE d.person_id = p.person_id AND d.drug_concept_id = 1503297)",
    "except": "SELECT person_id FROM omop.person EXCEPT SELECT person_id FROM omop.condition_occurrence",
    "dates": "SELECT person_id, visit_start_date FROM omop.visit_occurrence "
    "WHERE visit_start_date >= DATE '2023-06-01'",
    "case": "SELECT person_id, CASE WHEN gender_concept_id = 8507 THEN 'm' ELSE 'f' END AS sex FROM omop.person",
}


def by_hand(emitted: str, what_columns: tuple[str, ...] = ("person_id",)) -> CheckedQuery:
    """A query that the guard never saw, as if the guard had a hole."""
    return CheckedQuery(
        emitted, emitted, what_columns, "person_id" in what_columns, "accession_id" in what_columns, "0" * 64
    )


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("omop") / "omop.duckdb"
    write_omop(path, 3, PERSONS, choose_accessions("alpha", 3, PERSONS, ACCESSIONS))
    return path


@pytest.fixture(scope="session")
def engine(hospital: Path) -> DuckDbEngine:
    return DuckDbEngine(hospital)


def plain(hospital: Path, sql: str) -> list[list[Any]]:
    """The same query by DuckDB alone."""
    with duckdb.connect() as db:  # under another name: the file's own would be `omop`, like the schema
        db.execute(f"ATTACH '{hospital}' AS hospital (READ_ONLY)")
        db.execute("USE hospital")
        found = db.execute(sql).fetchall()
    return [[v.isoformat() if isinstance(v, dt.date) else v for v in row] for row in found]


@pytest.mark.parametrize("sql", LEGIT.values(), ids=LEGIT.keys())
def test_a_cohort_has_the_rows_that_duckdb_alone_gives(engine: DuckDbEngine, hospital: Path, sql: str):
    found = engine.rows(check(sql)).rows
    assert sorted(found, key=repr) == sorted(plain(hospital, sql), key=repr)
    assert found


def test_rows_have_a_type_each_and_values_ready_for_json(engine: DuckDbEngine):
    sql = (
        "SELECT i.accession_id, i.person_id, i.image_occurrence_date, avg(m.value_as_number) AS mean, "
        "min(v.visit_start_datetime) AS first FROM omop.image_occurrence i "
        "JOIN omop.measurement m ON m.person_id = i.person_id "
        "JOIN omop.visit_occurrence v ON v.person_id = i.person_id "
        "GROUP BY i.accession_id, i.person_id, i.image_occurrence_date"
    )
    found = engine.rows(check(sql))
    assert dict(found.columns) == {
        "accession_id": "string",
        "person_id": "int64",
        "image_occurrence_date": "date",
        "mean": "float64",
        "first": "timestamp",
    }
    accession, person, day, mean, first = found.rows[0]
    assert isinstance(accession, str)
    assert isinstance(person, int)
    assert isinstance(mean, float)
    assert dt.date.fromisoformat(day)
    assert dt.datetime.fromisoformat(first)


def test_a_division_of_whole_numbers_is_whole_as_in_postgresql(engine: DuckDbEngine, hospital: Path):
    found = engine.rows(check("SELECT person_id, (2024 - year_of_birth) / 10 AS band FROM omop.person"))
    assert dict(found.columns)["band"] == "int64"
    assert found.rows == plain(
        hospital, "SELECT person_id, (2024 - year_of_birth) // 10 AS band FROM omop.person ORDER BY 1"
    )


def test_a_division_below_zero_is_cut_towards_zero_as_in_postgresql(engine: DuckDbEngine):
    found = engine.rows(check("SELECT person_id, (year_of_birth - 2025) / 1000 AS band FROM omop.person"))
    assert {row[1] for row in found.rows} == {0}


def test_rows_come_in_the_same_order_each_time(engine: DuckDbEngine):
    checked = check("SELECT person_id, visit_start_date FROM omop.visit_occurrence")
    assert engine.rows(checked) == engine.rows(checked)
    assert engine.rows(checked).rows == sorted(engine.rows(checked).rows)


def test_an_empty_cohort_is_no_failure(engine: DuckDbEngine):
    checked = check("SELECT person_id FROM omop.person WHERE year_of_birth > 3000")
    assert engine.rows(checked).rows == []
    assert (engine.summary(checked).persons, engine.summary(checked).accessions) == (0, 0)


def test_a_summary_finds_persons_by_their_accessions(engine: DuckDbEngine):
    found = engine.summary(check("SELECT accession_id FROM omop.image_occurrence"))
    assert (found.persons, found.accessions) == (ACCESSIONS, ACCESSIONS)


def test_a_summary_finds_accessions_by_their_persons(engine: DuckDbEngine):
    found = engine.summary(check("SELECT person_id FROM omop.person"))
    assert (found.persons, found.accessions) == (PERSONS, ACCESSIONS)


def test_a_summary_counts_persons_not_rows(engine: DuckDbEngine):
    visits = engine.summary(check("SELECT person_id FROM omop.visit_occurrence"))
    assert visits.persons == PERSONS


def test_the_histograms_of_a_summary_add_up(engine: DuckDbEngine, hospital: Path):
    found = engine.summary(check("SELECT person_id FROM omop.person WHERE year_of_birth < 1960"))
    sexes = plain(hospital, "SELECT gender_concept_id, count(*) FROM omop.person WHERE year_of_birth < 1960 GROUP BY 1")
    assert found.histograms["sex"] == {str(sex): count for sex, count in sexes}
    assert sum(found.histograms["age_band"].values()) == found.persons
    assert all(int(band) % 10 == 0 for band in found.histograms["age_band"])
    assert sum(found.histograms["modality"].values()) <= found.accessions


ENDLESS = (
    "SELECT count(*) AS person_id FROM omop.measurement a, omop.measurement b, omop.measurement c, omop.measurement d "
    "WHERE a.value_as_number * b.value_as_number < c.value_as_number * d.value_as_number"
)


def children() -> set[str]:
    """The forks that answer queries: our children's children."""
    own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return {fork for pid in own for fork in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@pytest.mark.parametrize("what", ["rows", "summary"])
def test_a_query_that_takes_too_long_is_killed(hospital: Path, what: str):
    engine = DuckDbEngine(hospital, timeout_seconds=1.5)
    started = time.monotonic()
    with pytest.raises(EngineFailed) as failed:
        getattr(engine, what)(by_hand(ENDLESS))
    assert failed.value.code == "query_timeout"
    assert time.monotonic() - started < 6
    gone_by = time.monotonic() + 3
    while children() and time.monotonic() < gone_by:
        time.sleep(0.05)  # its socket closes a moment before it is gone
    assert not children()


def test_a_query_that_needs_too_much_memory_fails_alone(hospital: Path):
    engine = DuckDbEngine(hospital, memory_limit_mb=64)
    greedy = "SELECT len(list(r.range)) AS person_id FROM range(100000000) AS r"
    with pytest.raises(EngineFailed) as failed:
        engine.rows(by_hand(greedy))
    assert failed.value.code in {"query_too_large", "engine_failed"}
    assert engine.rows(check("SELECT person_id FROM omop.person")).rows


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT person_id FROM omop.person WHERE cast(person_source_value AS INT) > 0",
        "SELECT accession_id, cast(accession_id AS DATE) AS person_id FROM omop.image_occurrence",
        "SELECT 'CANARY' AS person_id FROM omop.no_such_table_CANARY",
        "SELECT error('CANARY') AS person_id",
        "CANARY",
    ],
)
@pytest.mark.parametrize("what", ["rows", "summary"])
def test_a_failure_never_quotes_the_driver(engine: DuckDbEngine, hospital: Path, sql: str, what: str):
    with pytest.raises(EngineFailed) as failed:
        getattr(engine, what)(by_hand(sql))
    said = f"{failed.value} {failed.value.message} {failed.value.code} {failed.value.__cause__!r}"
    assert "CANARY" not in said
    assert "source_value" not in said
    assert str(hospital) not in said


def test_a_missing_database_fails_without_its_path(tmp_path: Path):
    with pytest.raises(EngineFailed) as failed:
        DuckDbEngine(tmp_path / "CANARY.duckdb").rows(check("SELECT person_id FROM omop.person"))
    assert "CANARY" not in failed.value.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('/tmp/x.parquet')",
        "COPY omop.person TO '{out}/person.csv'",
        "COPY (SELECT 1) TO '{out}/one.parquet' (FORMAT PARQUET)",
        "EXPORT DATABASE '{out}/all'",
        "IMPORT DATABASE '/tmp'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '/tmp/x.duckdb_extension'",
        "SET memory_limit='100GB'",
        "SET threads=8",
        "SET enable_external_access=true",
        "SET lock_configuration=false",
        "SET temp_directory='/tmp'",
        "SET python_enable_replacements=true",
        "RESET memory_limit",
        "PRAGMA memory_limit='100GB'",
        "ATTACH '{out}/new.duckdb' AS other",
        "ATTACH '/etc/passwd' AS other",
        "CREATE PERSISTENT SECRET s (TYPE S3)",
        "SELECT * FROM secret_frame",
        "DELETE FROM omop.person",
        "UPDATE omop.person SET year_of_birth = 1",
        "DROP TABLE omop.person",
        "CREATE TABLE omop.copied AS SELECT * FROM omop.person",
    ],
)
def test_a_raw_attack_on_the_locked_database_fails(hospital: Path, tmp_path: Path, sql: str):
    secret_frame = [{"a": 1}]  # found by name from this very frame, were it not for the lock
    connection = child.connect(str(hospital), 256)
    before = hospital.read_bytes()
    with connection, pytest.raises(duckdb.Error):
        connection.execute(sql.format(out=tmp_path)).fetchall()
    assert list(tmp_path.iterdir()) == []
    assert hospital.read_bytes() == before
    assert secret_frame


def test_the_locked_database_still_answers(hospital: Path):
    with child.connect(str(hospital), 256) as connection:
        assert connection.execute("SELECT count(*) FROM omop.person").fetchone() == (PERSONS,)


def test_a_path_with_a_quote_is_a_path(tmp_path: Path):
    path = tmp_path / "o'brien.duckdb"
    write_omop(path, 3, 20, choose_accessions("alpha", 3, 20, 2))
    assert len(DuckDbEngine(path).rows(check("SELECT person_id FROM omop.person")).rows) == 20

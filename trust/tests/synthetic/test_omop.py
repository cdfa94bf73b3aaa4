"""The synthetic OMOP database: the same each time, big enough, and marked where a leak would show."""

from pathlib import Path

import duckdb
import pytest

from flip_contracts.sql_guard import check
from flip_contracts.sql_guard.schema import OMOP
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.synthetic import demo_query, write_omop
from flip_trust.synthetic.omop import choose_accessions

PERSONS, ACCESSIONS, SEED = 120, 15, 7


def build(folder: Path, seed: int = SEED) -> Path:
    path = folder / "omop.duckdb"
    write_omop(path, seed, PERSONS, choose_accessions("alpha", seed, PERSONS, ACCESSIONS))
    return path


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("hospital"))


def opened(path: Path) -> duckdb.DuckDBPyConnection:
    """Under another name: the file's own would be `omop`, like the schema."""
    db = duckdb.connect()
    db.execute(f"ATTACH '{path}' AS hospital (READ_ONLY)")
    db.execute("USE hospital")
    return db


def columns_of(path: Path) -> dict[str, list[str]]:
    with opened(path) as db:
        found = db.execute(
            "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
            "WHERE schema_name = 'omop' GROUP BY 1"
        ).fetchall()
    return dict(found)


def content(path: Path) -> dict[str, list[tuple]]:
    with opened(path) as db:
        return {table: db.execute(f'SELECT * FROM omop."{table}"').fetchall() for table in columns_of(path)}


def test_the_same_seed_gives_the_same_rows_in_the_same_order(hospital: Path, tmp_path: Path):
    assert content(build(tmp_path)) == content(hospital)


def test_another_seed_gives_other_persons(hospital: Path, tmp_path: Path):
    assert content(build(tmp_path, SEED + 1))["person"] != content(hospital)["person"]


def test_accessions_are_of_distinct_persons_and_do_not_change():
    chosen = choose_accessions("alpha", SEED, PERSONS, ACCESSIONS)
    assert chosen == choose_accessions("alpha", SEED, PERSONS, ACCESSIONS)
    assert len({person for _, person, _ in chosen}) == len({accession for accession, _, _ in chosen}) == ACCESSIONS


def test_there_are_as_many_persons_as_asked_for(hospital: Path):
    assert len(content(hospital)["person"]) >= PERSONS


def test_every_table_and_column_that_the_guard_allows_is_there(hospital: Path):
    there = columns_of(hospital)
    assert {(t, c) for t, columns in OMOP.items() for c in columns} <= {(t, c) for t in there for c in there[t]}


def test_the_demo_query_gives_one_row_per_accession_through_guard_and_engine(hospital: Path):
    found = DuckDbEngine(hospital).rows(check(demo_query()))
    at = [name for name, _ in found.columns].index("accession_id")
    chosen = choose_accessions("alpha", SEED, PERSONS, ACCESSIONS)
    assert [row[at] for row in found.rows] == sorted(accession for accession, _, _ in chosen)


def test_an_image_is_of_the_person_and_the_day_that_were_asked_for(hospital: Path):
    with opened(hospital) as db:
        found = db.execute(
            "SELECT accession_id, person_id::VARCHAR, image_occurrence_date FROM omop.image_occurrence ORDER BY 1"
        ).fetchall()
    assert found == choose_accessions("alpha", SEED, PERSONS, ACCESSIONS)


def test_an_image_belongs_to_a_visit_of_its_own_person(hospital: Path):
    with opened(hospital) as db:
        strangers = db.execute(
            "SELECT count(*) FROM omop.image_occurrence AS i LEFT JOIN omop.visit_occurrence AS v "
            "ON v.visit_occurrence_id = i.visit_occurrence_id WHERE v.person_id IS DISTINCT FROM i.person_id"
        ).fetchone()
    assert strangers == (0,)


def test_the_marker_stands_only_where_cohort_sql_cannot_ask_or_in_the_accession_number(hospital: Path):
    marked = set()
    with opened(hospital) as db:
        for table, columns in columns_of(hospital).items():
            for column in columns:
                query = f"""SELECT count(*) FROM omop."{table}" WHERE "{column}"::VARCHAR LIKE '%CANARY%'"""
                if db.execute(query).fetchall() != [(0,)]:
                    marked.add((table, column))
    allowed = {(table, column) for table, columns in OMOP.items() for column in columns}
    assert marked & allowed == {("image_occurrence", "accession_id")}
    assert {("person", "person_source_value"), ("image_occurrence", "local_path")} <= marked


def test_an_existing_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path):
    path = tmp_path / "omop.duckdb"
    path.write_bytes(b"older")
    build(tmp_path)
    assert len(content(path)["person"]) >= PERSONS
    assert list(tmp_path.iterdir()) == [path]

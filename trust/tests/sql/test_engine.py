"""One suite for both engines: right answers, limits that hold, failures that quote nothing."""

import datetime as dt
import json
import time
from typing import Any

import pytest
from contracts.tests.sql_guard.corpus import paragraphs

from flip_contracts.sql_guard import CheckedQuery
from flip_contracts.sql_guard.worker import GuardWorker
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.sql.engine import Engine, EngineFailed
from flip_trust.sql.postgres_engine import PostgresEngine
from flip_trust.synthetic import demo_query
from flip_trust.synthetic.omop import choose_accessions

PERSONS, ACCESSIONS = 400, 20
CHOSEN = choose_accessions("alpha", 7, PERSONS, ACCESSIONS)


def by_hand(sql: str) -> CheckedQuery:
    """As if the guard had let it through: the engine has to hold by itself."""
    return CheckedQuery(sql, sql, ("person_id",), True, False, "")


def test_the_demo_cohort_has_one_row_per_accession_with_types(engine: Engine):
    found = engine.rows(engine.check(demo_query()))
    assert found.columns == [
        ("accession_id", "string"),
        ("person_id", "int64"),
        ("year_of_birth", "int64"),
        ("gender_concept_id", "int64"),
        ("image_occurrence_date", "date"),
    ]
    assert [row[0] for row in found.rows] == [accession for accession, _, _ in CHOSEN]
    assert [row[4] for row in found.rows] == [day.isoformat() for _, _, day in CHOSEN]


def test_rows_come_in_the_same_order_each_time_whatever_the_query_says(engine: Engine):
    up = engine.rows(engine.check("SELECT person_id, year_of_birth FROM omop.person ORDER BY year_of_birth"))
    down = engine.rows(engine.check("SELECT person_id, year_of_birth FROM omop.person ORDER BY year_of_birth DESC"))
    assert up == down
    assert up.rows == sorted(up.rows)


def test_every_type_is_ready_for_json(engine: Engine):
    found = engine.rows(
        engine.check(
            "SELECT v.person_id, v.visit_start_datetime AS at, 1.5 AS half, v.visit_start_date AS day, 'x' AS word, "
            "v.visit_concept_id > 0 AS yes, CAST(NULL AS int) AS nothing, avg(m.value_as_number) AS mean "
            "FROM omop.visit_occurrence v JOIN omop.measurement m ON m.visit_occurrence_id = v.visit_occurrence_id "
            "GROUP BY v.person_id, v.visit_start_datetime, v.visit_start_date, v.visit_concept_id"
        )
    )
    kinds = ["int64", "timestamp", "float64", "date", "string", "boolean", "int64", "float64"]
    assert [kind for _, kind in found.columns] == kinds
    assert json.loads(json.dumps(found.rows)) == found.rows
    _, at, half, day, word, yes, nothing, _ = found.rows[0]
    assert (half, word, yes, nothing) == (1.5, "x", True, None)
    assert dt.datetime.fromisoformat(at).date() == dt.date.fromisoformat(day)


def test_a_summary_counts_distinct_persons(engine: Engine, hospital):
    found = engine.summary(engine.check("SELECT person_id FROM omop.visit_occurrence"))
    assert (found.persons, found.accessions) == (PERSONS, ACCESSIONS)
    sexes = hospital.exact("SELECT gender_concept_id, count(*) FROM omop.person GROUP BY 1")
    assert found.histograms["sex"] == {str(sex): count for sex, count in sexes}
    assert sum(found.histograms["age_band"].values()) == found.persons
    assert all(int(band) % 10 == 0 for band in found.histograms["age_band"])
    assert found.histograms["modality"] == {"4013636": ACCESSIONS}


@pytest.mark.parametrize("columns", ["accession_id", "person_id", "accession_id, person_id"])
def test_persons_and_accessions_are_found_from_either(engine: Engine, columns: str):
    found = engine.summary(engine.check(f"SELECT {columns} FROM omop.image_occurrence"))
    assert (found.persons, found.accessions) == (ACCESSIONS, ACCESSIONS)


def test_our_own_aggregates_run_over_cohort_persons_and_accessions(engine: Engine, hospital):
    ill = engine.check("SELECT person_id, condition_start_date FROM omop.condition_occurrence")
    found = engine.aggregate(
        ill,
        {
            "rows": "SELECT count(*) FROM cohort",
            "persons": "SELECT count(*) FROM persons",
            "accessions": "SELECT count(*) FROM accessions",
            "year": "SELECT CAST(extract(year FROM condition_start_date) AS INTEGER) AS y, count(DISTINCT person_id) "
            "FROM cohort GROUP BY 1 ORDER BY 1",
        },
    )
    assert found["rows"] == hospital.exact("SELECT count(*) FROM omop.condition_occurrence")
    assert found["persons"] == hospital.exact("SELECT count(DISTINCT person_id) FROM omop.condition_occurrence")
    assert [year for year, _ in found["year"]] == list(range(2015, 2025))
    assert 0 < found["accessions"][0][0] <= ACCESSIONS


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT person_id FROM omop.visit_occurrence", list(range(1, PERSONS + 1))),
        ("SELECT accession_id FROM omop.image_occurrence", sorted(int(person) for _, person, _ in CHOSEN)),
        ("SELECT person_id FROM omop.person WHERE year_of_birth < 0", []),
    ],
)
def test_the_persons_of_a_cohort_are_distinct_ascending_integers(engine: Engine, sql: str, expected: list[int]):
    found = engine.persons_and(engine.check(sql), {})[0]
    assert found.dtype == "int64"
    assert found.tolist() == expected


def test_a_cohort_of_nobody_is_empty_and_not_an_error(engine: Engine):
    nobody = engine.check("SELECT person_id, accession_id FROM omop.image_occurrence WHERE modality_concept_id = 1")
    assert engine.rows(nobody).rows == []
    summary = engine.summary(nobody)
    assert (summary.persons, summary.accessions) == (0, 0)


ENDLESS = (
    "SELECT sum(a.value_as_number * b.value_as_number * c.value_as_number) AS person_id "
    "FROM omop.measurement a, omop.measurement b, omop.measurement c"
)


def quick(engine: Engine, request: pytest.FixtureRequest, guard: GuardWorker, **limits: Any) -> Engine:
    """The same engine with other limits."""
    if isinstance(engine, DuckDbEngine):
        return DuckDbEngine(request.getfixturevalue("hospital").mart, guard.check, **limits)
    return PostgresEngine(request.getfixturevalue("server").role_url, guard.check, **limits)


def test_a_query_without_end_is_stopped_at_its_time(engine: Engine, request, guard: GuardWorker):
    sql = ENDLESS if isinstance(engine, DuckDbEngine) else ENDLESS.replace("omop.", "cohort.")
    limited, started = quick(engine, request, guard, timeout_seconds=1.0), time.monotonic()
    with pytest.raises(EngineFailed) as failed:
        limited.rows(by_hand(sql))
    assert failed.value.code == "query_timeout"
    assert time.monotonic() - started < 20
    assert limited.rows(limited.check("SELECT person_id FROM omop.death")) is not None


def test_a_cohort_of_too_many_rows_is_refused(engine: Engine, request, guard: GuardWorker):
    limited = quick(engine, request, guard, max_rows=PERSONS - 1)
    with pytest.raises(EngineFailed) as failed:
        limited.rows(limited.check("SELECT person_id FROM omop.person"))
    assert failed.value.code == "query_too_large"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CAST(accession_id AS INT) AS person_id FROM {schema}.image_occurrence",
        "SELECT accession_id, CAST(accession_id AS DATE) AS person_id FROM {schema}.image_occurrence",
        "SELECT 'CANARY' AS person_id FROM {schema}.no_such_table_CANARY",
        "SELECT person_source_value AS person_id, 1/0 AS x FROM omop.person WHERE 'CANARY' = 5",
        "CANARY",
    ],
)
def test_a_failure_never_quotes_a_value_or_the_driver(engine: Engine, sql: str):
    schema = "omop" if isinstance(engine, DuckDbEngine) else "cohort"
    for ask in (engine.rows, engine.summary, lambda query: engine.persons_and(query, {})):
        with pytest.raises(EngineFailed) as failed:
            ask(by_hand(sql.format(schema=schema)))
        said = f"{failed.value!r} {failed.value} {failed.value.message} {failed.value.__cause__!r}"
        assert failed.value.code in {"engine_failed", "query_unreadable"}
        for hint in ("CANARY", "source_value", "onversion", "syntax", "invalid"):
            assert hint not in said


def test_only_a_failure_that_rows_decide_counts_as_one(engine: Engine):
    schema = "omop" if isinstance(engine, DuckDbEngine) else "cohort"
    for sql, depends in {
        f"SELECT CAST(accession_id AS INT) AS person_id FROM {schema}.image_occurrence": True,
        f"SELECT person_id FROM {schema}.no_such_table": False,
        f"SELECT person_id FROM {schema}.person WHERE count(*) > 1": False,
        f"SELEC person_id FROM {schema}.person": False,
    }.items():
        with pytest.raises(EngineFailed) as failed:
            engine.rows(by_hand(sql))
        assert failed.value.depends_on_rows is depends, sql


LEGIT = paragraphs("legit.sql")


def rounded(rows: list[list[Any]]) -> list[str]:
    """Doubles are added in another order by each engine: the last digits are noise."""
    return sorted(repr([float(f"{v:.6g}") if isinstance(v, float) else v for v in row]) for row in rows)


@pytest.mark.parametrize("sql", LEGIT.values(), ids=LEGIT.keys())
def test_both_engines_give_the_same_cohort(sql: str, hospital, server, guard: GuardWorker):
    duck, postgres = DuckDbEngine(hospital.mart, guard.check), PostgresEngine(server.role_url, guard.check)
    one, other = DUCK.setdefault(id(hospital), duck).rows(duck.check(sql)), postgres.rows(postgres.check(sql))
    assert one.columns == other.columns
    assert rounded(one.rows) == rounded(other.rows)


DUCK: dict[int, DuckDbEngine] = {}  # one zygote for the corpus

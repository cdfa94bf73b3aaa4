"""Generated queries on both engines: what the guard accepts neither fails nor differs, whatever the rows."""

from typing import Any

import psycopg
import pytest
from contracts.tests.sql_guard.grammar import queries
from hypothesis import HealthCheck, given, settings

from flip_contracts.sql_guard import SqlRefused, check
from flip_trust.sql.child import connect


@pytest.fixture(scope="module")
def both(hospital: Any, server: Any):
    """Each engine as its child and its role see it; without a process per query."""
    with connect(str(hospital.mart), 512) as duck, psycopg.connect(server.role_url, autocommit=True) as postgres:
        postgres.execute("SET statement_timeout = '20s'")
        yield duck, postgres


def comparable(rows: list[tuple[Any, ...]]) -> list[str]:
    """The last digits of doubles are noise: each engine adds in its own order."""

    def plain(value: Any) -> Any:
        if isinstance(value, float):
            return 0.0 if abs(value) < 1e-12 else float(f"{value:.6g}")
        return value

    return sorted(repr([plain(value) for value in row]) for row in rows)


ACCEPTED: list[str] = []


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(sql=queries(2))
def test_what_the_guard_accepts_runs_on_both_engines_with_one_answer(both: Any, sql: str):
    duck, postgres = both
    try:
        here, there = check(sql), check(sql, write="postgres", schema="cohort")
    except SqlRefused:
        return
    ACCEPTED.append(sql)
    one = duck.execute(here.emitted).fetchall()
    other = postgres.execute(there.emitted.encode(), prepare=True).fetchall()
    assert comparable(one) == comparable(other)


def test_enough_of_them_were_accepted_to_mean_something():
    assert len(ACCEPTED) > 40

"""A small mart asked through the real guard and engine, and counts of persons as sketches."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import numpy as np
import pytest

from flip_contracts.tasks import CohortCount, CohortCountResult, ColumnSummary
from flip_trust.disclosure.control import Disclosure
from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.tally import Tally, bucket_sql, weight_sql
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.store import Store
from flip_trust.synthetic.omop import choose_accessions, write_omop

PERSONS = 600


class Site:
    """One trust's disclosure control, asked as a hub would."""

    def __init__(self, engine: DuckDbEngine, folder: Path, policy: Policy):
        self.engine, self.project, self.user = engine, uuid4(), uuid4()
        self.control = Disclosure(Store(folder / "agent.db"), engine, policy, folder / "rounding.key")

    def ask(self, sql: str, now: datetime | None = None, **given: Any) -> CohortCountResult:
        payload = CohortCount(
            **{"query_id": uuid4(), "project_id": self.project, "asked_by": self.user, "sql": sql, **given}
        )
        return self.control.answer(payload, self.engine.check(sql), now or datetime(2026, 3, 1, 12, tzinfo=UTC))

    def code(self, sql: str, **given: Any) -> str:
        with pytest.raises(Exception) as refused:  # noqa: PT011  the code is what is looked at
            self.ask(sql, **given)
        return refused.value.code

    def column(self, sql: str, **given: Any) -> ColumnSummary:
        (column,) = self.ask(sql, **given).columns
        return column


@pytest.fixture(scope="session")
def mart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mart") / "omop.duckdb"
    write_omop(path, 3, PERSONS, choose_accessions("alpha", 3, PERSONS, 60))
    return path


@pytest.fixture(scope="session")
def engine(mart: Path) -> DuckDbEngine:
    return DuckDbEngine(mart)


@pytest.fixture
def site(engine: DuckDbEngine, tmp_path: Path) -> Callable[..., Site]:
    made = 0

    def make(**policy: Any) -> Site:
        nonlocal made
        made += 1
        (tmp_path / str(made)).mkdir()
        return Site(engine, tmp_path / str(made), Policy(**policy))

    return make


@pytest.fixture(scope="session")
def exact(mart: Path) -> Callable[[str], Any]:
    def run(sql: str) -> Any:
        with duckdb.connect(str(mart), read_only=True) as db:
            rows = db.execute(sql.replace("omop.", "omop.omop.")).fetchall()
        return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows

    return run


@pytest.fixture(scope="session")
def tally() -> Callable[[Iterable[int]], Tally]:
    """The sketch that the engine would make of these persons."""
    with duckdb.connect() as db:
        asked = f"SELECT i::BIGINT, {bucket_sql('i')}, {weight_sql('i')} FROM range(5000) r(i)"
        known = {i: (int(bucket), int(weight)) for i, bucket, weight in db.execute(asked).fetchall()}
    assert len({bucket for bucket, _ in known.values()}) == 256
    assert np.unique([weight for _, weight in known.values()]).size == 5000

    def make(persons: Iterable[int]) -> Tally:
        return Tally.of((known[i][0], 1, known[i][1]) for i in persons)

    return make

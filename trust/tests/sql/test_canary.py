"""A canary in every text column that may not be asked: with a threshold of one, none is told, logged or in an error."""

import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from benchmarks.attack.hospital import InProcessEngine

from flip_contracts.sql_guard import CheckedQuery, SqlRefused, check
from flip_contracts.sql_guard.schema import CDM, OMOP
from flip_contracts.tasks import CohortCount
from flip_trust.disclosure.control import Disclosure
from flip_trust.disclosure.policy import Policy
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.sql.engine import Engine, EngineFailed
from flip_trust.store import Store
from flip_trust.synthetic.omop import synthesise

HIDDEN = [(t, c.name) for t, columns in CDM.items() for c in columns if c.type == "varchar" and c.name not in OMOP[t]]
OF_PERSONS = [table for table in CDM if "person_id" in OMOP[table]]
EVERYTHING = Policy(threshold=1, round_to=1, project_queries_per_day=10**6, user_queries_per_day=10**6)


def test_every_hidden_text_column_of_the_hospital_holds_a_canary(hospital: Any):
    without = [
        f"{table}.{column}"
        for table, column in HIDDEN
        if not hospital.exact(f"SELECT 1 FROM omop.{table} WHERE contains(\"{column}\", 'CANARY') LIMIT 1")
    ]
    assert len(HIDDEN) > 80
    assert without == []


@pytest.mark.parametrize(
    "place", ["SELECT person_id, {c} FROM omop.{t}", "SELECT person_id FROM omop.{t} WHERE {c} = 'x'"]
)
def test_no_hidden_text_column_can_be_named(place: str):
    for table, column in HIDDEN:
        if table in OF_PERSONS:
            with pytest.raises(SqlRefused) as refused:
                check(place.format(t=table, c=column))
            assert refused.value.code == "sql_unknown_column"
            assert column in refused.value.message


def test_whatever_is_asked_of_any_table_no_canary_leaves(engine: Engine, hospital: Any, tmp_path: Path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    asked: Any = InProcessEngine(hospital.mart) if isinstance(engine, DuckDbEngine) else engine  # no process a query
    disclosure = Disclosure(Store(tmp_path / "agent.db"), asked, EVERYTHING, tmp_path / "key")
    told: list[str] = []
    for table in OF_PERSONS:
        columns = ", ".join(name for name in list(OMOP[table])[:20] if name != "person_id")
        sql = f"SELECT person_id, {columns} FROM omop.{table}"
        payload = CohortCount(query_id=uuid4(), project_id=uuid4(), sql=sql, asked_by=uuid4())
        told.append(disclosure.answer(payload, engine.check(sql)).model_dump_json())
    assert sum('"suppressed":false' in answer for answer in told) > 15
    for hidden in ("CAST({c} AS int)", "1 / length({c})", "CAST({c} AS date)"):  # as if the guard let them through
        sql = f"SELECT person_id FROM omop.person WHERE {hidden.format(c='person_source_value')} IS NOT NULL"
        try:
            engine.rows(CheckedQuery(sql, sql, ("person_id",), True, False, ""))
        except EngineFailed as failure:
            told.append(f"{failure!r} {failure.message} {failure.__cause__!r}")
    for place, text in {"told": " ".join(told), "log": caplog.text, "terminal": "".join(capfd.readouterr())}.items():
        assert "CANARY" not in text, place


def test_a_mart_for_use_does_not_hold_the_hidden_columns_at_all(tmp_path: Path):
    synthesise(tmp_path / "mart.duckdb", 3, 20, lambda table, rows: None)
    with duckdb.connect(str(tmp_path / "mart.duckdb"), read_only=True) as db:
        there = set(db.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall())
    assert not there & set(HIDDEN)

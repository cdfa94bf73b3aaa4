"""The OMOP engine without the people who opted out: they are in no cohort, and so in no count."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from flip_contracts.sql_guard import CheckedQuery
from flip_trust.optouts.service import OptOuts
from flip_trust.sql.engine import CohortSummary, Engine, Rows


class WithoutOptOuts:
    """As `Engine`; `schema` is where that one keeps the tables. What a query reads on its way stays as it is: the
    cohort that comes out of it lacks them, and everything is told of the cohort alone."""

    def __init__(self, engine: Engine, optouts: OptOuts, schema: str):
        self._engine, self._optouts, self._schema = engine, optouts, schema

    def check(self, sql: str) -> CheckedQuery:
        return self._engine.check(sql)

    def is_there(self) -> bool:
        return self._engine.is_there()

    def rows(self, checked: CheckedQuery) -> Rows:
        return self._engine.rows(self._kept(checked))

    def persons_and(
        self, checked: CheckedQuery, queries: Mapping[str, str]
    ) -> tuple[np.ndarray, dict[str, list[list[Any]]]]:
        return self._engine.persons_and(self._kept(checked), queries)

    def aggregate(self, checked: CheckedQuery, queries: Mapping[str, str]) -> dict[str, list[list[Any]]]:
        return self._engine.aggregate(self._kept(checked), queries)

    def summary(self, checked: CheckedQuery) -> CohortSummary:
        return self._engine.summary(self._kept(checked))

    def _kept(self, checked: CheckedQuery) -> CheckedQuery:
        persons = self._optouts.persons()
        if not persons:
            return checked
        ids = ", ".join(map(str, sorted(persons)))  # whole numbers, from a table of whole numbers
        conditions = []
        if checked.has_person_id:
            conditions.append(f'(kept."person_id" IS NULL OR kept."person_id" NOT IN ({ids}))')
        if checked.has_accession_id:
            images = (
                f'SELECT i."accession_id" FROM "{self._schema}"."image_occurrence" AS i '
                f'WHERE i."person_id" IN ({ids}) AND i."accession_id" IS NOT NULL'
            )
            conditions.append(f'(kept."accession_id" IS NULL OR kept."accession_id" NOT IN ({images}))')
        sql = f"SELECT kept.* FROM ({checked.emitted}) AS kept WHERE {' AND '.join(conditions)}"
        return dataclasses.replace(checked, emitted=sql)

"""A small hospital in this process: real guard, the engine's own SQL and locks, real disclosure control."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

import duckdb
import numpy as np

from flip_contracts.sql_guard import CheckedQuery, SqlRefused, check
from flip_contracts.tasks import CohortCount, CohortCountResult
from flip_trust.disclosure.control import Disclosure
from flip_trust.disclosure.policy import Policy
from flip_trust.errors import TrustError
from flip_trust.sql import child
from flip_trust.sql.statements import PERSONS, SOURCES, prepare
from flip_trust.store import Store
from flip_trust.synthetic.omop import choose_accessions, write_omop


class InProcessEngine:
    """DuckDB as `flip_trust.sql.child` opens and locks it, without a process per query."""

    def __init__(self, path: Path):
        self._db = child.connect(str(path), 512)

    def check(self, sql: str) -> CheckedQuery:
        return check(sql)

    def persons_and(
        self, checked: CheckedQuery, queries: Mapping[str, str]
    ) -> tuple[np.ndarray, dict[str, list[list[Any]]]]:
        sources = prepare(checked, {**queries, "persons": PERSONS}, "duckdb", "omop").sources
        prepared = prepare(checked, queries, "duckdb", "omop")
        try:
            answers, ids = child.aggregate(self._db, sources, prepared.queries, ids=True)
        finally:
            for table in reversed(SOURCES):
                self._db.execute(f"DROP TABLE IF EXISTS temp.{table}")
        return np.frombuffer(ids, np.int64), answers


@dataclasses.dataclass(frozen=True)
class Person:
    """What the attacker knows of everybody, and (`ill`) what he wants to know."""

    year: int
    month: int
    sex: int
    race: int
    ill: bool

    @property
    def sql(self) -> str:
        return (
            f"(p.year_of_birth = {self.year} AND p.month_of_birth = {self.month} "
            f"AND p.gender_concept_id = {self.sex} AND p.race_concept_id = {self.race})"
        )


class Defence(Protocol):
    def answer(self, payload: CohortCount, checked: CheckedQuery) -> CohortCountResult: ...


class Hospital:
    """`ask` is all that an attacker has."""

    def __init__(self, folder: Path, persons: int, policy: Policy, seed: int = 7):
        path = folder / f"omop-{persons}.duckdb"
        if not path.exists():
            write_omop(path, seed, persons, choose_accessions("alpha", seed, persons, persons // 5))
        self.engine = InProcessEngine(path)
        self.defence: Defence = Disclosure(
            Store(folder / f"{uuid4()}.db"), self.engine, policy, folder / "rounding.key"
        )
        self.people = _people(path)
        self.user, self.tries, self.outcomes = uuid4(), 0, dict[str, int]()

    def ask(self, sql: str, project: UUID) -> CohortCountResult | None:
        """The answer, or None where it was refused; why is counted by code."""
        self.tries += 1
        try:
            checked = self.engine.check(sql)
            payload = CohortCount(query_id=uuid4(), project_id=project, sql=sql, asked_by=self.user)
            result = self.defence.answer(payload, checked)
        except SqlRefused as refusal:
            self._note(refusal.code)
            return None
        except TrustError as error:
            self._note(error.code)
            return None
        except duckdb.Error:
            self._note("engine_failed")
            return None
        self._note("suppressed" if result.suppressed else "answered")
        return result

    def _note(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


class Naive:
    """What people write first: suppress under the threshold, round to the nearest ten, remember nothing."""

    def __init__(self, engine: InProcessEngine):
        self._engine = engine

    def answer(self, payload: CohortCount, checked: CheckedQuery) -> CohortCountResult:
        persons = len(self._engine.persons_and(checked, {})[0])
        told = (persons + 5) // 10 * 10 if persons >= 10 else None
        return CohortCountResult(persons=told, accessions=None, suppressed=told is None, threshold=10, rounded_to=10)


def _people(path: Path) -> list[Person]:
    """Those who are the only ones with their year, month, sex and race."""
    with duckdb.connect(str(path), read_only=True) as db:
        catalog = path.stem
        rows = db.execute(
            "SELECT year_of_birth, month_of_birth, gender_concept_id, race_concept_id, bool_or(person_id IN (SELECT "
            f'person_id FROM "{catalog}".omop.condition_occurrence WHERE condition_concept_id = {ILLNESS})) '
            f'FROM "{catalog}".omop.person GROUP BY 1, 2, 3, 4 HAVING count(*) = 1 ORDER BY 1, 2, 3, 4'
        ).fetchall()
    return [Person(*row) for row in rows]


ILLNESS = 201826


def plain(result: CohortCountResult | None) -> str:
    """Everything that an attacker sees of an answer, but for the budget."""
    if result is None:
        return "refused"
    return json.dumps(result.model_dump(mode="json", exclude={"budget"}), sort_keys=True)

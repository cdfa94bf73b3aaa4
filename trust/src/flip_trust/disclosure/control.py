"""The one way by which an aggregate leaves: budget, memory, counting in the engine, suppression, rounding."""

import copy
import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pyroaring import BitMap64

from flip_contracts.sql_guard import CheckedQuery
from flip_contracts.tasks import CohortCount, CohortCountResult, ColumnSummary, QueryBudget
from flip_trust.disclosure import noise
from flip_trust.disclosure.definition import MAX_COLUMNS, Definition, read
from flip_trust.disclosure.memory import Memory, Scope, midnight_after, persons_of
from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.question import Counted, ask
from flip_trust.disclosure.rounding import rounded
from flip_trust.disclosure.summaries import may_be_told, summary
from flip_trust.disclosure.tally import Tally
from flip_trust.disclosure.told import Told
from flip_trust.errors import EpsilonSpent, QueryBudgetSpent, QueryTooClose, TooManyColumns
from flip_trust.keys import secret_key
from flip_trust.sql.engine import Engine, EngineFailed
from flip_trust.store import Store

FAILURE_COSTS = 10  # queries of the budget: a query that only fails where a certain row is tells that there is one


@dataclass(frozen=True)
class _Asked:
    payload: CohortCount
    checked: CheckedQuery
    definition: Definition
    scope: Scope
    now: datetime

    @property
    def checked_sha256(self) -> str:
        return hashlib.sha256(self.checked.emitted.encode()).hexdigest()


class Disclosure:
    """One at a time: what one query is told decides what the next may be."""

    def __init__(self, store: Store, engine: Engine, policy: Policy, key_file: Path):
        self._engine, self._policy = engine, policy
        self._memory = Memory(store)
        self._key_file, self._key = key_file, b""
        self._lock = threading.Lock()

    def under(self, policy: Policy) -> Self:
        """The same memory under this policy, for one query from its beginning to its end."""
        other = copy.copy(self)
        other._policy = policy
        return other

    def answer(self, payload: CohortCount, checked: CheckedQuery, now: datetime | None = None) -> CohortCountResult:
        """The aggregate that may leave. Raises a `TrustError` where nothing may, or the engine's `EngineFailed`."""
        now, scope = now or datetime.now(UTC), Scope.of(payload, self._policy)
        definition = read(checked)
        if len(definition.columns) > MAX_COLUMNS:
            raise TooManyColumns(f"The query selects more than {MAX_COLUMNS} columns beside its ids. Select fewer.")
        asked = _Asked(payload, checked, definition, scope, now)
        with self._lock:
            self._debit(asked)
        try:
            result = self._answered(asked)
        except EngineFailed as failure:
            if failure.depends_on_rows:
                self._memory.debit_failure(payload.query_id, FAILURE_COSTS)
            raise
        return result.model_copy(update={"budget": self._budget(scope, now)})

    def _answered(self, asked: _Asked) -> CohortCountResult:
        ids, counted = ask(self._engine, asked.checked, asked.definition, self._policy, asked.scope.project_id)
        persons = persons_of(ids)
        self._memory.note_persons(asked.payload.query_id, len(persons))
        with self._lock:  # what is told here decides what the next query is told
            return self._without_telling(asked, persons) or self._told(asked, persons, counted)

    def _debit(self, asked: _Asked) -> None:
        """Before anything runs, so that a query which is refused or fails has been asked all the same."""
        policy, memory, scope = self._policy, self._memory, asked.scope
        if not memory.is_debited(asked.payload.query_id):
            by_project, by_user = memory.asked_today(scope, asked.now)
            if by_project >= policy.project_queries_per_day:
                whose = f"This project has asked this trust {policy.project_queries_per_day} queries"
                raise QueryBudgetSpent(f"{whose} today, which is its budget. Ask again after midnight UTC.")
            if scope.asked_by and by_user >= policy.user_queries_per_day:
                whose = f"You have asked this trust {policy.user_queries_per_day} queries"
                raise QueryBudgetSpent(f"{whose} today, over all projects. Ask again after midnight UTC.")
        if noise.cost(asked.definition, policy) > policy.epsilon_per_project - memory.epsilon_spent(scope) + 1e-9:
            raise EpsilonSpent(
                "This project's privacy budget (epsilon) at this trust does not cover another histogram. Select "
                "fewer numbers and dates, or none: totals and categories are still told."
            )
        memory.debit(asked.payload.query_id, scope, asked.now)

    def _without_telling(self, asked: _Asked, persons: BitMap64) -> CohortCountResult | None:
        """Too few persons, or told before; None if its counts may be told. Raises `QueryTooClose`."""
        policy = self._policy
        if len(persons) < policy.threshold:
            return self._suppressed(empty=not persons)
        close = list(self._memory.close_to(persons, asked.scope, policy.threshold))
        for earlier in close:
            if earlier.sql_sha256 == asked.checked_sha256:
                return earlier.result
        for earlier in close:
            if earlier.definition != asked.definition.sha256 and not (policy.tell_zero and earlier.same_persons):
                raise QueryTooClose(
                    "The persons of this query are those of an earlier one of this project or of yours, or all but "
                    f"fewer than {policy.threshold} of them: from both answers one could tell about too small a "
                    "group. Use the earlier answer, or ask for a cohort that differs more."
                )
        return None

    def _told(self, asked: _Asked, persons: BitMap64, counted: Counted) -> CohortCountResult:
        told = self._memory.told(asked.scope, self._policy.threshold)
        before = len(told)
        try:
            result = self._result(asked, counted, told)
            new = told.since(before)
        finally:
            told.cut(before)
        key = asked.definition.sha256, asked.checked_sha256
        self._memory.remember(asked.scope, *key, persons, new, result, asked.now)
        return result

    def _result(self, asked: _Asked, counted: Counted, told: Told) -> CohortCountResult:
        policy = self._policy
        persons = told.known_or_new(counted.persons)
        if persons.count < policy.threshold:
            return self._suppressed(empty=False)
        rows = told.known_or_new(counted.rows)
        studies = told.known_or_new(counted.studies) if counted.persons_with_studies >= policy.threshold else None
        columns: list[ColumnSummary] = []
        for column in asked.definition.columns:
            cells = counted.columns[column.name]
            if noise.applies(column, policy):
                self._memory.spend_epsilon(asked.payload.query_id, policy.epsilon_per_column)
                columns.append(noise.summary(column, cells, policy))
            else:
                shown = may_be_told(persons, cells, told, policy)
                columns.append(summary(column, cells, shown, self._round, policy))
        return CohortCountResult(
            persons=self._round(persons),
            accessions=self._round(studies) if studies else None,
            rows=self._round(rows),
            suppressed=False,
            columns=columns,
            **self._rules,
        )

    def _suppressed(self, *, empty: bool) -> CohortCountResult:
        nobody = 0 if empty and self._policy.tell_zero else None
        return CohortCountResult(persons=nobody, accessions=nobody, rows=nobody, suppressed=True, **self._rules)

    @property
    def _rules(self) -> dict[str, Any]:
        policy = self._policy
        return {"threshold": policy.threshold, "rounded_to": policy.round_to, "zero_told": policy.tell_zero}

    def _round(self, tally: Tally) -> int:
        if not self._key:
            self._key = secret_key(self._key_file)
        return rounded(tally, self._policy.round_to, self._key)

    def _budget(self, scope: Scope, now: datetime) -> QueryBudget:
        policy = self._policy
        by_project, by_user = self._memory.asked_today(scope, now)
        budget = QueryBudget(
            project_left=max(0, policy.project_queries_per_day - by_project),
            project_limit=policy.project_queries_per_day,
            resets_at=midnight_after(now),
        )
        if scope.asked_by:
            left = max(0, policy.user_queries_per_day - by_user)
            budget = budget.model_copy(update={"user_left": left, "user_limit": policy.user_queries_per_day})
        if policy.epsilon_per_column:
            left = max(0.0, policy.epsilon_per_project - self._memory.epsilon_spent(scope))
            budget = budget.model_copy(update={"epsilon_left": left, "epsilon_limit": policy.epsilon_per_project})
        return budget

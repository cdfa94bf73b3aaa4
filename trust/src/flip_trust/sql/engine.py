"""What the trust asks of an OMOP engine. One port, two engines: DuckDB (embedded) and PostgreSQL (the site's own)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from flip_contracts.sql_guard import CheckedQuery

# A query, the engine's dialect, and the schema that holds its tables.
Guard = Callable[[str, str, str], CheckedQuery]


class EngineFailed(Exception):
    """The engine could not answer. The driver's own text is dropped: drivers quote values."""

    def __init__(self, code: str, message: str):
        self.code, self.message = code, message
        super().__init__(code)

    @property
    def depends_on_rows(self) -> bool:
        """Whether another hospital's rows could have let the same query through: then that it failed tells of them."""
        return self.code in ("query_timeout", "query_too_large", "engine_failed")


def unreadable() -> EngineFailed:
    """The query is refused before a row is read, whatever the rows."""
    text = "The trust's database cannot read the query. Write it more plainly: subqueries instead of nesting."
    return EngineFailed("query_unreadable", text)


@dataclass(frozen=True)
class Rows:
    """A cohort, row by row. `columns` are (name, type) with types int64 float64 string boolean date timestamp.

    Values are ready for JSON: dates and times are ISO 8601 text. Stays at the trust.
    """

    columns: list[tuple[str, str]]
    rows: list[list[Any]]


@dataclass(frozen=True)
class CohortSummary:
    """Exact counts of distinct persons, before disclosure control. Stays at the trust."""

    persons: int
    accessions: int
    histograms: dict[str, dict[str, int]]


class Engine(Protocol):
    """Each method runs in a snapshot of the database, within the trust's limits, and raises `EngineFailed`."""

    def check(self, sql: str) -> CheckedQuery:
        """The guard with this trust's columns and this engine's dialect. Raises `SqlRefused`."""
        ...

    def is_there(self) -> bool:
        """Cheap: the mart's file exists, or the database answered the last time."""
        ...

    def rows(self, checked: CheckedQuery) -> Rows:
        """The cohort's rows in a stable order."""
        ...

    def persons_and(
        self, checked: CheckedQuery, queries: Mapping[str, str]
    ) -> tuple[np.ndarray, dict[str, list[list[Any]]]]:
        """Distinct person ids of the cohort, int64, ascending; found by accession where it names no person.

        And what `aggregate` says to the queries, in the same snapshot.
        """
        ...

    def aggregate(self, checked: CheckedQuery, queries: Mapping[str, str]) -> dict[str, list[list[Any]]]:
        """Aggregate SQL of our own, computed in the engine: the rows of each query by its name.

        A query is one PostgreSQL SELECT (without WITH) that we wrote, never a user's text, over `cohort` (the rows of
        the checked query), `persons` (person_id, distinct), `accessions` (accession_id, distinct), `studies`
        (person_id, accession_id, distinct) and `omop.*` (the columns that this trust lets be asked). Cast both sides
        of a division: engines differ on whole numbers.
        """
        ...

    def summary(self, checked: CheckedQuery) -> CohortSummary:
        """Aggregates over the cohort's persons and accessions."""
        ...

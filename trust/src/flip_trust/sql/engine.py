"""What the trust asks of an OMOP engine. One port; DuckDB is the embedded one."""

from dataclasses import dataclass
from typing import Any, Protocol

from flip_contracts.sql_guard import CheckedQuery


class EngineFailed(Exception):
    """The engine could not answer. The driver's own text is dropped: drivers quote values."""

    def __init__(self, code: str, message: str):
        self.code, self.message = code, message
        super().__init__(code)


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
    def rows(self, checked: CheckedQuery) -> Rows:
        """The cohort's rows in a stable order. Raises `EngineFailed`."""
        ...

    def summary(self, checked: CheckedQuery) -> CohortSummary:
        """Aggregates over the cohort's persons and accessions. Raises `EngineFailed`."""
        ...

"""What a checked query says of its cohort: by which definition persons are chosen, and which columns to summarise."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.schema import MappingSchema

from flip_contracts.sql_guard import CheckedQuery
from flip_contracts.sql_guard.schema import IDENTIFIERS, OMOP

MAX_COLUMNS = 24
_SCHEMA = MappingSchema({"omop": OMOP})


class ColumnKind(StrEnum):
    CATEGORY = "category"
    CODE = "code"  # a category whose values are whole numbers: concept ids
    WHOLE = "whole"
    NUMBER = "number"
    DECADE = "decade"  # whole numbers named as years
    DATE = "date"

    @property
    def is_category(self) -> bool:
        return self in (ColumnKind.CATEGORY, ColumnKind.CODE)


@dataclass(frozen=True)
class CohortColumn:
    name: str
    kind: ColumnKind


@dataclass(frozen=True)
class Definition:
    """`sha256`: the same for two queries that choose the same persons by the same words, whatever else they select."""

    sha256: str
    columns: tuple[CohortColumn, ...]


def read(checked: CheckedQuery) -> Definition:
    """Of the text that the guard emitted: names are resolved in it and stars are columns."""
    tree = _parse(checked.emitted)
    for table in tree.find_all(exp.Table):
        if table.db:
            table.set("db", exp.to_identifier("omop"))  # an engine may keep its views in another schema
    assert isinstance(tree, exp.Query)
    if any(_describes(column) for column in tree.selects):
        annotate_types(tree, schema=_SCHEMA)
    columns = tuple(
        CohortColumn(column.alias_or_name, _kind(column.alias_or_name.lower(), column.type))
        for column in tree.selects
        if _describes(column)
    )
    return Definition(hashlib.sha256(_words(tree).encode()).hexdigest(), columns)


def _describes(column: exp.Expr) -> bool:
    return column.alias_or_name.lower() not in IDENTIFIERS


def _parse(sql: str) -> exp.Expr:
    for dialect in ("duckdb", "postgres"):
        try:
            return sqlglot.parse_one(sql, read=dialect)
        except sqlglot.ParseError:
            continue
    raise ValueError("the guard emitted what no engine's dialect reads")


def _words(query: exp.Expr) -> str:
    """The query without the columns that only describe a person; changes it. A UNION is taken as it stands."""
    query = query.unnest() if isinstance(query, exp.Subquery) else query
    if not isinstance(query, exp.Select):
        return query.sql()
    query.set("expressions", [c for c in query.selects if c.alias_or_name.lower() in ("person_id", "accession_id")])
    query.set("order", None)
    query.set("distinct", None)
    return query.sql()


def _kind(name: str, data_type: exp.DataType | None) -> ColumnKind:
    whole = data_type is not None and data_type.is_type(*exp.DataType.INTEGER_TYPES)
    if name.endswith("concept_id") or data_type is None:
        return ColumnKind.CODE if whole else ColumnKind.CATEGORY
    if whole:
        return ColumnKind.DECADE if "year" in name else ColumnKind.WHOLE
    if data_type.is_type(*exp.DataType.NUMERIC_TYPES):
        return ColumnKind.NUMBER
    if data_type.is_type(*exp.DataType.TEMPORAL_TYPES):
        return ColumnKind.DATE
    return ColumnKind.CATEGORY

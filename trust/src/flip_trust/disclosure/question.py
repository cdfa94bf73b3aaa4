"""The one SELECT that counts a cohort for disclosure control: per cell and bucket, in the engine.

Every row is (part, cell, bucket, count, sum of weights). Parts are `persons`, `rows`, `studies`, `with_studies`, and
`c0`, `c1` … for the columns.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from flip_contracts.sql_guard import CheckedQuery
from flip_trust.disclosure import noise
from flip_trust.disclosure.bins import PERSON, cells_sql
from flip_trust.disclosure.definition import Definition
from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.tally import Tally, bucket_sql, weight_sql
from flip_trust.sql.engine import Engine

MOST_VALUES = 50  # of a category, those that most persons have


@dataclass(frozen=True)
class Counted:
    """Exact; stays at the trust. `columns`: per column its cells, None the missing ones."""

    persons: Tally
    rows: Tally
    studies: Tally
    persons_with_studies: int
    columns: dict[str, dict[str | None, Tally]]


def ask(
    engine: Engine, checked: CheckedQuery, definition: Definition, policy: Policy, project: str
) -> tuple[np.ndarray, Counted]:
    """The cohort's person ids, int64, ascending, and its counts, of one snapshot of the database."""
    persons, answers = engine.persons_and(checked, {"counts": _select(checked, definition, policy)})
    return persons, _counted(answers["counts"], definition, project)


def _counted(parts: list[list[Any]], definition: Definition, project: str) -> Counted:
    found: dict[str, dict[str | None, list[tuple[int, int, int]]]] = {}
    for part, cell, bucket, count, weight in parts:
        found.setdefault(part, {}).setdefault(cell, []).append((bucket, count, weight))
    tallies = {part: {cell: Tally.of(rows, project) for cell, rows in cells.items()} for part, cells in found.items()}

    def whole(part: str) -> Tally:
        return tallies.get(part, {}).get(None, Tally.of((), project))

    columns = {column.name: tallies.get(f"c{i}", {}) for i, column in enumerate(definition.columns)}
    return Counted(whole("persons"), whole("rows"), whole("studies"), whole("with_studies").count, columns)


def _select(checked: CheckedQuery, definition: Definition, policy: Policy) -> str:
    """`known`: each person with the place and weight in a tally; `seen`: the cohort's rows with theirs."""
    known = (
        f"SELECT p.person_id AS who, {bucket_sql('p.person_id')} AS bucket, {weight_sql('p.person_id')} AS weight "
        "FROM persons AS p WHERE p.person_id IS NOT NULL"
    )
    values = [f'c."{column.name}" AS v{i}' for i, column in enumerate(definition.columns)]
    seen = f"SELECT {', '.join(['k.who', 'k.bucket', 'k.weight', *values])} FROM {_rows(checked)}"
    who = ", ".join(PERSON)
    whole = f"SELECT {who}, NULL AS cell FROM"
    parts = [
        _part("persons", f"{whole} known"),
        _part("rows", f"{whole} seen"),
        _part("studies", f"{whole} studies AS s JOIN known AS k ON k.who = s.person_id"),
        _part("with_studies", f"{whole} known WHERE who IN (SELECT s.person_id FROM studies AS s)"),
    ]
    for i, column in enumerate(definition.columns):
        cells = cells_sql(column.kind, f"SELECT {who}, r.v{i} AS value FROM seen AS r")
        if column.kind.is_category:
            parts.append(_listed(_part(f"c{i}", cells), policy.threshold))
            continue
        if noise.applies(column, policy):  # a person who is in many cells would weigh more than the noise hides
            cells = f"SELECT {who}, min(d.cell) AS cell FROM ({cells}) AS d GROUP BY {who}"
        parts.append(_part(f"c{i}", cells))
    ctes = f"known AS MATERIALIZED ({known}), seen AS MATERIALIZED ({seen})"
    return f"SELECT * FROM (WITH {ctes} {' UNION ALL '.join(parts)}) AS counted"


def _rows(checked: CheckedQuery) -> str:
    if checked.has_person_id:
        return "cohort AS c JOIN known AS k ON k.who = c.person_id"
    images = "SELECT DISTINCT i.accession_id, i.person_id FROM omop.image_occurrence AS i"
    return f"cohort AS c JOIN ({images}) AS i ON i.accession_id = c.accession_id JOIN known AS k ON k.who = i.person_id"


def _listed(part: str, threshold: int) -> str:
    """Values that fewer persons have than the threshold are not even read out: a rare value may name somebody."""
    totals = f"SELECT g.*, sum(g.counted) OVER (PARTITION BY g.cell) AS whole FROM ({part}) AS g"
    order = "PARTITION BY h.cell IS NULL ORDER BY h.whole DESC, h.cell"
    placed = f"SELECT h.*, dense_rank() OVER ({order}) AS place FROM ({totals}) AS h"
    return (
        f"SELECT w.part, w.cell, w.bucket, w.counted, w.weight FROM ({placed}) AS w "
        f"WHERE w.cell IS NULL OR (w.whole >= {threshold} AND w.place <= {MOST_VALUES})"
    )


def _part(name: str, cells: str) -> str:
    """From a SELECT of (*PERSON, cell)."""
    counts = (
        "SELECT w.cell, w.bucket, count(*) AS counted, CAST(sum(w.weight) AS BIGINT) AS weight "
        f"FROM ({cells}) AS w GROUP BY w.cell, w.bucket"
    )
    return (
        f"SELECT '{name}' AS part, CAST(n.cell AS VARCHAR) AS cell, n.bucket, n.counted, n.weight FROM ({counts}) AS n"
    )

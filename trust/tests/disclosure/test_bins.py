"""Bins that every hospital shares, computed in the engine."""

import bisect
import itertools
import math

import duckdb
import pytest
import sqlglot

from flip_trust.disclosure.bins import _EDGES, all_cells, between, bins, bounds, cells_sql
from flip_trust.disclosure.definition import ColumnKind

VALUES = [
    0, 1, 2, 9, 10, 11, 12, 0.3, 0.6, 0.7, 1.2, 6.999, 7, 100, 1000, 999.99, 1e5, 123456, -1, -0.3, -12, -12.1, 1e-9,
    -1e-9, 1e-6, 9.9e12, 1e13, 1e300, 37.2, 4.0, 35, 80.0,
]  # fmt: skip


def cells(kind: ColumnKind, literals: list[str]) -> list[str | None]:
    rows = " UNION ALL ".join(
        f"SELECT {i} AS who, 0 AS bucket, 0 AS weight, {value} AS value" for i, value in enumerate(literals)
    )
    sql = sqlglot.transpile(cells_sql(kind, rows), read="postgres", write="duckdb")[0]
    with duckdb.connect() as db:
        found = {who: None if cell is None else str(cell) for who, *_, cell in db.execute(sql).fetchall()}
    return [found[i] for i in range(len(literals))]


def test_a_number_falls_between_the_bounds_of_its_cell():
    for value, cell in zip(
        VALUES, cells(ColumnKind.NUMBER, [f"CAST({v!r} AS DOUBLE PRECISION)" for v in VALUES]), strict=True
    ):
        low, high = bounds(ColumnKind.NUMBER, cell)
        size = abs(value)
        assert int(cell) == math.copysign(bisect.bisect_right(_EDGES, size), value)
        if value >= 0:
            assert low is None or low <= value
            assert high is None or value < high
        else:
            assert low is None or low < value
            assert high is None or value <= high


def test_neighbouring_cells_share_an_edge_from_one_end_to_the_other():
    for kind in (ColumnKind.NUMBER, ColumnKind.WHOLE, ColumnKind.DECADE, ColumnKind.DATE):
        edges = [bounds(kind, cell) for cell in all_cells(kind)]
        assert all(one[1] == other[0] for one, other in itertools.pairwise(edges))


@pytest.mark.parametrize(
    ("kind", "literal", "expected"),
    [
        (ColumnKind.WHOLE, "CAST(7 AS BIGINT)", (7.0, 8.0)),
        (ColumnKind.WHOLE, "CAST(12 AS BIGINT)", (12.0, 14.0)),
        (ColumnKind.DECADE, "CAST(1969 AS BIGINT)", (1960.0, 1970.0)),
        (ColumnKind.DATE, "CAST('2019-12-31' AS DATE)", ("2019-01-01", "2020-01-01")),
    ],
)
def test_the_bounds_of_other_kinds(kind, literal, expected):
    (cell,) = cells(kind, [literal])
    assert bounds(kind, cell) == expected


def test_a_missing_value_has_no_cell():
    for kind in ColumnKind:
        cast = "DATE" if kind == ColumnKind.DATE else "BIGINT"
        assert cells(kind, [f"CAST(NULL AS {cast})"]) == [None]


def test_a_histogram_never_says_where_the_values_end():
    shown = bins(ColumnKind.DECADE, ["1950", "1970"], {"1950": 20, "1970": 30}.get)
    assert [(c.low, c.high, c.count) for c in shown] == [
        (None, 1950.0, None),
        (1950.0, 1960.0, 20),
        (1960.0, 1970.0, None),
        (1970.0, 1980.0, 30),
        (1980.0, None, None),
    ]
    assert [(c.low, c.high, c.count) for c in bins(ColumnKind.NUMBER, [], {}.get)] == [(None, None, None)]


def test_whole_numbers_have_no_cells_that_hold_none():
    places = between(ColumnKind.WHOLE, *cells(ColumnKind.WHOLE, ["0", "12"]))
    assert [bounds(ColumnKind.WHOLE, p)[0] for p in places] == [0.0, *map(float, range(1, 11)), 12.0]

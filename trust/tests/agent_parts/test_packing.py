"""A packed cohort becomes the same data frame as the rows it was packed from: values, missing ones, and types."""

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flip._frame import frame_from_cohort
from flip.protocol import Cohort, Column, ColumnType, cohort_from_json
from flip_trust.data_api.packing import packed


def both(columns: list[tuple[str, str]], rows: list[list[Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What an app gets, and what it would get row by row."""
    sent = cohort_from_json(json.loads(packed(columns, rows)))
    plain = Cohort(tuple(Column(name, ColumnType(kind)) for name, kind in columns), rows)
    return frame_from_cohort(sent), frame_from_cohort(plain)


def same(columns: list[tuple[str, str]], rows: list[list[Any]]) -> pd.DataFrame:
    got, wanted = both(columns, rows)
    for place, dtype in enumerate(wanted.dtypes):  # row by row, pandas takes the coarsest unit that the dates need
        if str(dtype).startswith("datetime64") and str(dtype) != str(got.dtypes.iloc[place]):
            wanted.isetitem(place, wanted.iloc[:, place].astype("datetime64[us]"))
    pd.testing.assert_frame_equal(got, wanted)
    return got


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("int64", [1, None, -(2**63), 2**63 - 1, 2**53 + 1], "Int64"),
        ("int64", [None, None], "Int64"),
        ("float64", [0.1, None, -0.0, 1e300, 5e-324], "float64"),
        ("boolean", [True, None, False], "boolean"),
        ("string", ["a", None, "", "é\u2028\U0001f9e0", 'quote " and \\', "null"], "string"),
        ("string", ["x"] * 50 + [None], "string"),  # few words: sent once
        ("string", [None, None], "string"),
        ("date", ["2020-02-29", None, "1899-12-31", "2262-04-12"], "datetime64"),
        ("date", ["1066-10-14", "9999-12-31", None], "datetime64[us]"),
        ("date", [None], "datetime64"),
        ("timestamp", ["2020-02-29T12:30:00", "2020-02-29T12:30:00.123456", None], "datetime64"),
        ("timestamp", ["2020-02-29T12:30:00+01:00", None], "datetime64"),
    ],
)
def test_a_column_keeps_its_values_and_type(kind: str, values: list[Any], dtype: str):
    frame = same([("x", kind)], [[value] for value in values])
    assert str(frame["x"].dtype).startswith(dtype)
    assert frame["x"].isna().tolist() == [value is None for value in values]


def test_a_cohort_of_nobody_keeps_its_types():
    frame = same([(kind.value, kind.value) for kind in ColumnType], [])
    assert len(frame) == 0
    assert str(frame["int64"].dtype) == "Int64"
    assert str(frame["string"].dtype) == "string"


def test_two_columns_may_have_one_name():
    frame = same([("x", "int64"), ("x", "string")], [[1, "a"], [None, None]])
    assert list(frame.columns) == ["x", "x"]


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "date": st.dates().map(lambda day: day.isoformat()),
    "timestamp": st.datetimes().map(lambda time: time.isoformat()),
}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_cohort_is_the_same_packed_and_row_by_row(data: st.DataObject):
    kinds = data.draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
    rows = data.draw(st.lists(st.tuples(*(st.none() | VALUES[kind] for kind in kinds)).map(list), max_size=8))
    same([(f"c{n}", kind) for n, kind in enumerate(kinds)], rows)

"""From a cohort to a pandas DataFrame whose columns keep their types. pandas and numpy are imported on first use."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from flip.errors import FlipError, LocalDataMissing, PlatformUnavailable
from flip.protocol import Cohort, ColumnType, PackedCohort, PackedColumn

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

ACCESSION: Final = "accession_id"
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_CODE: Final = r"[+-]?0\d+"  # 00123: a number in looks, a code by meaning


def _pandas() -> Any:
    try:
        import pandas  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise FlipError(
            "get_dataframe needs pandas. Install it with: pip install 'flip-utils[tabular]'",
            code="pandas_missing",
        ) from None
    return pandas


def frame_from_cohort(cohort: Cohort | PackedCohort) -> pd.DataFrame:
    """Int64, float64, string, boolean or datetime64 per column; missing values stay missing."""
    pd = _pandas()
    if isinstance(cohort, PackedCohort):
        series = [_unpacked(pd, column, cohort.rows) for column in cohort.columns]
    else:
        by_column = list(zip(*cohort.rows, strict=True)) or [()] * len(cohort.columns)
        series = [_typed(pd, list(v), column.type) for v, column in zip(by_column, cohort.columns, strict=True)]
    frame = pd.DataFrame(dict(enumerate(series)), columns=range(len(series)))
    frame.columns = [column.name for column in cohort.columns]  # a query may select one name twice
    return frame


def _unpacked(pd: Any, column: PackedColumn, rows: int) -> Any:
    """The same types as `_typed` gives, without a Python object per value."""
    try:
        array = _unpacked_array(pd, column, rows)
        if len(array) != rows:
            raise ValueError("a column is shorter or longer than the cohort")
        return array
    except (ValueError, TypeError, IndexError):  # nothing of it is repeated: it may hold patient values
        raise PlatformUnavailable(
            "The trust's data API sent a column that this SDK cannot read. Update flip-utils.", code="unexpected_answer"
        ) from None


def _unpacked_array(pd: Any, column: PackedColumn, rows: int) -> Any:
    import numpy as np

    def numbers(kind: str) -> Any:
        return np.frombuffer(base64.b64decode(cast("str", column.values), validate=True), dtype=kind)

    if isinstance(column.values, list):
        return _typed(pd, list(column.values), column.type)
    if column.missing:
        bits = np.frombuffer(base64.b64decode(column.missing, validate=True), dtype="u1")
        missing = np.unpackbits(bits, count=rows).astype(bool)
    else:
        missing = np.zeros(rows, dtype=bool)
    match column.type:
        case ColumnType.INT64:
            return pd.arrays.IntegerArray(numbers("<i8").astype("int64"), missing)
        case ColumnType.BOOLEAN:
            return pd.arrays.BooleanArray(numbers("u1").astype(bool), missing)
        case ColumnType.FLOAT64:
            return np.where(missing, np.nan, numbers("<f8"))
        case ColumnType.STRING:
            words = pd.array(column.words or [], dtype="string")
            return words.take(numbers("<i4").astype("int64"), allow_fill=True)
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            times = pd.Series(np.where(missing, np.datetime64("NaT", "us"), numbers("<i8").view("<M8[us]")))
            return times if int(pd.__version__.split(".")[0]) >= 3 else _in_nanoseconds(pd, times)


def _in_nanoseconds(pd: Any, times: Any) -> Any:
    """What pandas 2 makes of texts, where the years are in its reach."""
    try:
        return times.astype("datetime64[ns]")
    except pd.errors.OutOfBoundsDatetime:
        return times


def _typed(pd: Any, values: list[Any], kind: ColumnType) -> Any:
    match kind:
        case ColumnType.INT64:
            return pd.array(values, dtype="Int64")
        case ColumnType.FLOAT64:
            return pd.array(values, dtype="Float64").to_numpy(dtype="float64", na_value=float("nan"))
        case ColumnType.STRING:
            return pd.array(values, dtype="string")
        case ColumnType.BOOLEAN:
            return pd.array(values, dtype="boolean")
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            return _dates(pd, pd.Series(values, dtype="object"))


def _dates(pd: Any, texts: Any) -> Any:
    """datetime64, in UTC where the texts have an offset; in microseconds where years reach beyond 1677 to 2262."""
    try:
        dates = pd.to_datetime(texts, format="ISO8601")
    except pd.errors.OutOfBoundsDatetime:
        return texts.where(texts.notna(), "NaT").astype("datetime64[us]")
    except ValueError:  # offsets differ, as with summer time
        return pd.to_datetime(texts, format="ISO8601", utc=True)
    return dates if dates.dt.tz is None else dates.dt.tz_convert("UTC")


def frame_from_csv(path: Path) -> pd.DataFrame:
    """A local CSV in the types the platform would give.

    ISO dates become datetime64, and a column of numbers with a leading zero stays text: 00123 is a code.
    """
    pd = _pandas()
    try:
        frame = pd.read_csv(path, dtype={ACCESSION: "string"}, dtype_backend="numpy_nullable")
        whole = [name for name in frame.columns if str(frame[name].dtype) == "Int64"]
        if whole:
            texts = pd.read_csv(path, dtype="string", usecols=whole)
            for name in whole:
                if texts[name].str.fullmatch(_CODE).any():
                    frame[name] = texts[name]
    except (OSError, ValueError) as exc:  # pandas' parser errors are ValueErrors
        raise LocalDataMissing(
            f"The file that DEV_DATAFRAME names cannot be read as CSV ({type(exc).__name__})."
        ) from None
    for name in frame.columns:
        dtype = str(frame[name].dtype)
        if dtype == "Float64":
            frame[name] = frame[name].astype("float64")
        elif dtype.startswith("string") and name != ACCESSION:
            present = frame[name].dropna()
            if len(present) and all(_ISO.fullmatch(value) for value in present):
                frame[name] = _dates(pd, frame[name].astype("object"))
    return frame

"""From a cohort to a pandas DataFrame whose columns keep their types. pandas is imported on first use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flip.errors import FlipError, LocalDataMissing
from flip.protocol import Cohort, ColumnType

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?")
ACCESSION: Final = "accession_id"


def _pandas() -> Any:
    try:
        import pandas  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise FlipError(
            "get_dataframe needs pandas. Install it with: pip install 'flip-utils[tabular]'",
            code="pandas_missing",
        ) from None
    return pandas


def frame_from_cohort(cohort: Cohort) -> pd.DataFrame:
    """Int64, float64, string, boolean or datetime64 per column; missing values stay missing."""
    pd = _pandas()
    columns: dict[str, Any] = {}
    for index, column in enumerate(cohort.columns):
        values = [row[index] for row in cohort.rows]
        match column.type:
            case ColumnType.INT64:
                columns[column.name] = pd.array(values, dtype="Int64")
            case ColumnType.FLOAT64:
                columns[column.name] = pd.array(values, dtype="Float64").to_numpy(
                    dtype="float64", na_value=float("nan")
                )
            case ColumnType.STRING:
                columns[column.name] = pd.array(values, dtype="string")
            case ColumnType.BOOLEAN:
                columns[column.name] = pd.array(values, dtype="boolean")
            case ColumnType.DATE | ColumnType.TIMESTAMP:
                columns[column.name] = pd.to_datetime(pd.Series(values, dtype="object"), format="ISO8601")
    return pd.DataFrame(columns, columns=[c.name for c in cohort.columns])


def frame_from_csv(path: Path) -> pd.DataFrame:
    """A local CSV in the types the platform would give; ISO dates become datetime64."""
    pd = _pandas()
    try:
        frame = pd.read_csv(path, dtype={ACCESSION: "string"}, dtype_backend="numpy_nullable")
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
                frame[name] = pd.to_datetime(frame[name].astype("object"), format="ISO8601")
    return frame

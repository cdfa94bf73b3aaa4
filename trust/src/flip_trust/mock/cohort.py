"""Made-up rows with the columns of a cohort, out of what disclosure control tells of it and of nothing else."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np

from flip_contracts.tasks import ColumnSummary, SummaryCell, SummaryKind

ACCESSION, PERSON = "accession_id", "person_id"
_NOTHING_TOLD: Final[dict[str, Any]] = {
    "int64": 0,
    "float64": 0.0,
    "string": "value",
    "boolean": False,
    "date": "2000-01-01",
    "timestamp": "2000-01-01T00:00:00",
}


def accession(number: int) -> str:
    return f"MOCK-{number:04d}"


def rows(
    columns: Sequence[tuple[str, str]], told: Sequence[ColumnSummary], count: int, rng: np.random.Generator
) -> tuple[list[list[Any]], list[str]]:
    """`count` rows, and the names of the columns of which nothing may be told, so that they hold one constant.

    Columns are drawn one by one: how two of them hang together is not told, and not in these rows.
    """
    by_name = {summary.name: summary for summary in told}
    made: list[list[Any]] = []
    constant: list[str] = []
    for name, kind in columns:
        if name == ACCESSION:
            made.append([accession(number) for number in range(1, count + 1)])
        elif name == PERSON or (name.endswith("_id") and not name.endswith("concept_id") and name not in by_name):
            made.append(
                list(range(1, count + 1)) if kind == "int64" else [f"{number}" for number in range(1, count + 1)]
            )
        else:
            drawn = _draw(by_name.get(name), kind, count, rng)
            if drawn is None:
                constant.append(name)
            made.append(drawn or [_NOTHING_TOLD[kind]] * count)
    return [list(row) for row in zip(*made, strict=True)], constant


def _draw(summary: ColumnSummary | None, kind: str, count: int, rng: np.random.Generator) -> list[Any] | None:
    cells = [cell for cell in summary.cells if (cell.count or 0) > 0 and not cell.other] if summary else []
    if summary is None or not cells:
        return None
    weights = np.array([float(cell.count or 0) for cell in cells])
    chosen = rng.choice(len(cells), count, p=weights / weights.sum())
    absent = max(0, summary.missing or 0)
    missing = rng.random(count) < absent / (absent + weights.sum())
    value = (
        _category if summary.kind == SummaryKind.CATEGORY else _date if summary.kind == SummaryKind.DATE else _number
    )
    return [None if gone else value(cells[int(c)], kind, rng) for c, gone in zip(chosen, missing, strict=True)]


def _category(cell: SummaryCell, kind: str, rng: np.random.Generator) -> Any:
    del rng
    if kind == "boolean":
        return cell.label.lower() in ("true", "t", "1")
    return {"int64": int, "float64": float}.get(kind, str)(cell.label)


def _number(cell: SummaryCell, kind: str, rng: np.random.Generator) -> Any:
    low, high = (float(end) if end is not None else None for end in (cell.low, cell.high))
    low = low if low is not None else (high - 1 if high is not None else 0.0)
    high = high if high is not None else low + 1
    if kind == "int64":
        return int(rng.integers(int(low), max(int(high), int(low) + 1)))
    return round(float(rng.uniform(low, high)), 3)


def _date(cell: SummaryCell, kind: str, rng: np.random.Generator) -> str:
    ends = [date.fromisoformat(str(end)[:10]) if end is not None else None for end in (cell.low, cell.high)]
    low = ends[0] or (ends[1] or date(2000, 12, 31)) - timedelta(days=365)
    high = ends[1] or low + timedelta(days=365)
    day = low + timedelta(days=int(rng.integers(0, max((high - low).days, 1))))
    return day.isoformat() if kind == "date" else datetime(day.year, day.month, day.day, 12).isoformat()

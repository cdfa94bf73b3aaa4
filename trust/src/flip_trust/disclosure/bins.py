"""Bins that are the same for every hospital and every cohort, so that their edges tell nothing of the data.

Numbers: 10 12 14 16 18 20 25 30 35 40 50 60 70 80 90 in every power of ten, both signs, and one bin around zero; of
whole numbers only those bins that hold one. Years: decades. Dates: calendar years.
"""

from collections.abc import Callable, Iterable
from math import ceil, floor

from flip_contracts.tasks import SummaryCell
from flip_trust.disclosure.definition import ColumnKind

_STEPS = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
_SMALLEST, _POWERS = -6, 19  # from a millionth up to ten million million; beyond is one bin
_EDGES = [float(f"{step}e{_SMALLEST + power}") for power in range(_POWERS) for step in _STEPS]
_BEYOND = len(_EDGES)  # index of the last bin, [1e13, ∞)

Bounds = tuple[float | str | None, float | str | None]


PERSON = ("who", "bucket", "weight")  # who it is, and the place and weight in a tally that follow from that
_V = ", ".join(f"v.{name}" for name in PERSON)


def cells_sql(kind: ColumnKind, seen: str) -> str:
    """PostgreSQL SELECT of distinct (*PERSON, cell) from a SELECT of (*PERSON, value); NULL is the cell of NULL.

    A cell is a whole number where that says it: to make texts distinct costs twice as much.
    """
    cell = {
        ColumnKind.CATEGORY: "substring(CAST(v.value AS VARCHAR), 1, 64)",
        ColumnKind.CODE: "v.value",
        ColumnKind.DATE: "CAST(extract(year FROM v.value) AS BIGINT)",
        ColumnKind.DECADE: "CAST(floor(CAST(v.value AS DOUBLE PRECISION) / 10) * 10 AS BIGINT)",
    }.get(kind)
    return _places_sql(seen) if cell is None else f"SELECT DISTINCT {_V}, {cell} AS cell FROM ({seen}) AS v"


def _places_sql(seen: str) -> str:
    """The bin's signed place: 0 around zero, then one for each edge. Nested, so that each CASE is written once."""
    powers = " ".join(f"WHEN v.size < {10.0 ** (_SMALLEST + p + 1):f} THEN {p}" for p in range(_POWERS))
    steps = " ".join(f"WHEN v.scaled < {edge} THEN {i}" for i, edge in enumerate(_STEPS[1:]))
    sizes = f"SELECT {_V}, v.value, abs(CAST(v.value AS DOUBLE PRECISION)) AS size FROM ({seen}) AS v"
    powered = f"SELECT {_V}, v.value, v.size, CASE {powers} ELSE {_POWERS} END AS power FROM ({sizes}) AS v"
    inside = f"v.power < {_POWERS} AND v.size >= {10.0**_SMALLEST:f}"
    scaled = (  # to nine digits: 0.3 / 0.1 is a little less than 3
        f"SELECT {_V}, v.value, v.size, v.power, CASE WHEN {inside} THEN "
        f"CAST(v.size / power(10.0, v.power + {_SMALLEST}) AS DECIMAL(38, 9)) END AS scaled FROM ({powered}) AS v"
    )
    place = (
        f"CASE WHEN v.value IS NULL THEN NULL WHEN v.size < {10.0**_SMALLEST:f} THEN 0 "
        f"WHEN v.power = {_POWERS} THEN {_BEYOND} "
        f"ELSE v.power * {len(_STEPS)} + CASE {steps} ELSE {len(_STEPS) - 1} END + 1 END"
    )
    signed = f"CAST(CASE WHEN v.value < 0 THEN -({place}) ELSE {place} END AS BIGINT)"
    return f"SELECT DISTINCT {_V}, {signed} AS cell FROM ({scaled}) AS v"


def bounds(kind: ColumnKind, cell: str) -> Bounds:
    """`low <= value < high` of a cell; of negative numbers it is the upper bound that belongs to the bin."""
    place = int(cell)
    match kind:
        case ColumnKind.DATE:
            return f"{place:04d}-01-01", f"{place + 1:04d}-01-01"
        case ColumnKind.DECADE:
            return float(place), float(place + 10)
        case ColumnKind.WHOLE:
            first = floor if place < 0 else ceil  # of (-1.2, -1] the whole numbers from -1 to below 0
            low, high = (None if e is None else float(first(e) + (place < 0)) for e in _number_bounds(place))
            return low, high
        case _:
            return _number_bounds(place)


def _number_bounds(place: int) -> tuple[float | None, float | None]:
    if place == 0:
        return -_EDGES[0], _EDGES[0]
    low, high = _EDGES[abs(place) - 1], (_EDGES[abs(place)] if abs(place) < _BEYOND else None)
    return (low, high) if place > 0 else (None if high is None else -high, -low)


def all_cells(kind: ColumnKind) -> list[str]:
    """The public range: every cell that a value may fall into; years beyond it are not told."""
    match kind:
        case ColumnKind.DATE:
            return between(kind, "1900", "2100")
        case ColumnKind.DECADE:
            return between(kind, "1850", "2100")
        case _:
            return between(kind, str(-_BEYOND), str(_BEYOND))


def between(kind: ColumnKind, first: str, last: str) -> list[str]:
    """The cells from one to another, both included, that can hold a value."""
    step = 10 if kind == ColumnKind.DECADE else 1
    places = range(int(first), int(last) + 1, step)
    if kind == ColumnKind.WHOLE:
        return [str(p) for p in places if p == 0 or _holds_whole(p)]
    return [str(p) for p in places]


def bins(kind: ColumnKind, told: Iterable[str], count: Callable[[str | None], int | None]) -> list[SummaryCell]:
    """The cells to draw: from the first to the last that is told, with the suppressed ones between, and open ends."""
    places = sorted(told, key=int)
    if not places:
        return [SummaryCell(count=None)]  # from open end to open end: the extremes are not told
    inner = [
        SummaryCell(low=low, high=high, count=count(cell))
        for cell in between(kind, places[0], places[-1])
        for low, high in (bounds(kind, cell),)
    ]
    below = [] if inner[0].low is None else [SummaryCell(high=inner[0].low, count=None)]
    above = [] if inner[-1].high is None else [SummaryCell(low=inner[-1].high, count=None)]
    return [*below, *inner, *above]


def _holds_whole(place: int) -> bool:
    low, high = _number_bounds(abs(place))
    return low is not None and (high is None or ceil(low) < high)

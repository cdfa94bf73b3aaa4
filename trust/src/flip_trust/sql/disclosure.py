"""Disclosure control: what of an exact summary may leave. Pure functions.

A count below the threshold looks the same whether it is zero or not: such a cell is not listed. Where one cell of a
histogram is suppressed, the smallest other is too, so that the total does not give it away. The rest is rounded.
"""

from flip_contracts.tasks import Cell, CohortCountResult, Histogram
from flip_trust.sql.engine import CohortSummary


def round_to_nearest(count: int, step: int) -> int:
    return (count + step // 2) // step * step


def suppress(cells: dict[str, int], threshold: int, step: int) -> list[Cell]:
    """The cells that may be told. One that is missing is zero or suppressed, and nobody can tell which."""
    shown = {value: count for value, count in sorted(cells.items()) if count > 0}
    hidden = {value for value, count in shown.items() if count < threshold}
    if len(hidden) == 1 and len(shown) > 1:
        hidden.add(min((v for v in shown if v not in hidden), key=lambda v: shown[v]))
    return [
        Cell(value=value, count=round_to_nearest(count, step)) for value, count in shown.items() if value not in hidden
    ]


def summarise(summary: CohortSummary, threshold: int = 10, round_to: int = 10) -> CohortCountResult:
    """The aggregate that leaves the trust."""
    if summary.persons < threshold:
        return CohortCountResult(
            persons=None, accessions=None, suppressed=True, threshold=threshold, rounded_to=round_to
        )
    accessions = summary.accessions
    return CohortCountResult(
        persons=round_to_nearest(summary.persons, round_to),
        accessions=round_to_nearest(accessions, round_to) if accessions >= threshold else None,
        suppressed=False,
        threshold=threshold,
        rounded_to=round_to,
        histograms=[
            Histogram(name=name, cells=suppress(cells, threshold, round_to))
            for name, cells in summary.histograms.items()
        ],
    )

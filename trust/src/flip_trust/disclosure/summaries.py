"""From counted cells to the cells that are told, one column at a time."""

from collections.abc import Callable

from flip_contracts.tasks import ColumnSummary, SummaryCell, SummaryKind
from flip_trust.disclosure.bins import bins
from flip_trust.disclosure.definition import CohortColumn, ColumnKind
from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.tally import Tally, total
from flip_trust.disclosure.told import Told

Cells = dict[str | None, Tally]  # None: the missing values
Round = Callable[[Tally], int]


def may_be_told(persons: Tally, cells: Cells, told: Told, policy: Policy) -> Cells:
    """The cells of enough persons, each as what earlier counts say of it where they come close; adds to `told`.

    Complementary: where the column's total leaves fewer persons over than the threshold, these are counted to the
    smallest new cell. Hiding a second cell instead would say that the first is not empty.
    """
    shown: Cells = {}
    new: list[str | None] = []
    for cell, tally in sorted(cells.items(), key=lambda item: (item[0] is None, item[0] or "")):
        if tally.count < policy.threshold:
            continue
        known = told.instead_of(tally)
        if known is None:
            told.add(tally)
            new.append(cell)
        elif known.count < policy.threshold:
            continue
        shown[cell] = known or tally
    left_over = persons - total(shown.values())
    if new and 0 < left_over.persons_at_least < policy.threshold:
        smallest = min(new, key=lambda cell: (shown[cell].count, cell or ""))
        shown[smallest] = shown[smallest] + left_over
        told.add(shown[smallest])
    return shown


def summary(column: CohortColumn, cells: Cells, shown: Cells, round_: Round, policy: Policy) -> ColumnSummary:
    """Cells in order, with those suppressed between the first and the last that are told, and at the open ends."""

    def count(cell: str | None) -> int | None:
        if cell in shown:
            return round_(shown[cell])
        return 0 if policy.tell_zero and cell not in cells else None

    told = [cell for cell in shown if cell is not None]
    if column.kind.is_category:
        named = [SummaryCell(label=cell, count=count(cell)) for cell in sorted(told)]
        listed = [*named, SummaryCell(label="other", other=True, count=None)]
        return ColumnSummary(name=column.name, kind=SummaryKind.CATEGORY, cells=listed, missing=count(None))
    kind = SummaryKind.DATE if column.kind == ColumnKind.DATE else SummaryKind.HISTOGRAM
    return ColumnSummary(name=column.name, kind=kind, cells=bins(column.kind, told, count), missing=count(None))

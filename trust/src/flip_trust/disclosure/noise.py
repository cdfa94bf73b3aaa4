"""Optional differential privacy for histograms of numbers and dates, by OpenDP (`flip-trust[privacy]`).

Each person is in one cell of a column, so adding or leaving out a person changes one count by one: Laplace noise of
scale 1/ε on every cell of the public range costs ε, and columns add up. Noise takes the place of memory and rounding.
"""

import importlib
import importlib.util
import math
from typing import Any

from flip_contracts.tasks import ColumnSummary, SummaryCell, SummaryKind
from flip_trust.disclosure.bins import all_cells, bins
from flip_trust.disclosure.definition import CohortColumn, ColumnKind, Definition
from flip_trust.disclosure.policy import Policy
from flip_trust.disclosure.tally import Tally


def is_installed() -> bool:
    return importlib.util.find_spec("opendp") is not None


def applies(column: CohortColumn, policy: Policy) -> bool:
    return policy.epsilon_per_column > 0 and not column.kind.is_category


def cost(definition: Definition, policy: Policy) -> float:
    return sum(policy.epsilon_per_column for column in definition.columns if applies(column, policy))


def summary(column: CohortColumn, cells: dict[str | None, Tally], policy: Policy) -> ColumnSummary:
    """The whole public range with noise, shown from the first to the last cell that reaches the threshold."""
    epsilon = policy.epsilon_per_column
    places: list[str | None] = [*all_cells(column.kind), None]
    exact = [cells[place].count if place in cells else 0 for place in places]
    noisy = dict(zip(places, _laplace(exact, epsilon), strict=True))
    told = {place: count for place, count in noisy.items() if count >= policy.threshold}
    kind = SummaryKind.DATE if column.kind == ColumnKind.DATE else SummaryKind.HISTOGRAM
    shown: list[SummaryCell] = bins(column.kind, [place for place in told if place is not None], told.get)
    margin = math.ceil(math.log(20) / epsilon)  # 95 % of Laplace noise of scale 1/ε
    return ColumnSummary(
        name=column.name, kind=kind, cells=shown, missing=told.get(None), epsilon=epsilon, margin=margin
    )


def _laplace(counts: list[int], epsilon: float) -> list[int]:
    dp: Any = importlib.import_module("opendp.prelude")  # optional, and without types
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    measure: Any = dp.m.make_laplace(*space, scale=1 / epsilon)
    if measure.map(1) > epsilon * (1 + 1e-9):
        raise AssertionError("the noise is smaller than the epsilon that is spent on it")
    return measure(counts)

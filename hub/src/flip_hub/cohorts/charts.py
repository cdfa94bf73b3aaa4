"""One chart per column, merged over trusts. What a trust suppressed or did not list is said so, and never zero."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

CellKey = tuple[str, Any, Any, bool]


class ChartCellRead(BaseModel):
    """`count` adds up `trusts` trusts that gave a number; null if none did. `suppressed_trusts` have somebody here, but
    fewer than they tell. `unlisted_trusts` said nothing of this cell: none there, or too few, or among `other`.

    `low` and `high` (numbers or dates) bound a cell of a histogram, `low` included; null is an open end.
    """

    label: str
    low: float | str | None
    high: float | str | None
    other: bool
    count: int | None
    trusts: int
    suppressed_trusts: int
    unlisted_trusts: int


class ChartRead(BaseModel):
    """`missing` adds up the persons without a value where trusts told; `noisy`: counts hold differential privacy noise
    of at least one trust, and `margin` bounds it for 95 % of cases.
    """

    name: str
    kind: str
    trusts: list[str]
    cells: list[ChartCellRead]
    missing: int | None
    missing_suppressed_trusts: int
    noisy: bool
    margin: int | None


@dataclass
class _Cell:
    counts: list[int] = field(default_factory=list)
    suppressed: int = 0


@dataclass
class _Chart:
    name: str
    kind: str
    trusts: list[str] = field(default_factory=list)
    cells: dict[CellKey, _Cell] = field(default_factory=dict)
    missing: list[int | None] = field(default_factory=list)
    margins: list[int] = field(default_factory=list)
    noisy: bool = False

    def add(self, trust: str, summary: Mapping[str, Any]) -> None:
        self.trusts.append(trust)
        self.missing.append(summary["missing"])
        self.noisy |= summary.get("epsilon") is not None
        if summary.get("margin") is not None:
            self.margins.append(summary["margin"])
        for cell in summary["cells"]:
            key = (cell.get("label") or "", cell.get("low"), cell.get("high"), bool(cell.get("other")))
            merged = self.cells.setdefault(key, _Cell())
            if cell["count"] is None:
                merged.suppressed += 1
            else:
                merged.counts.append(cell["count"])

    def read(self) -> ChartRead:
        known = [count for count in self.missing if count is not None]
        return ChartRead(
            name=self.name,
            kind=self.kind,
            trusts=self.trusts,
            cells=[self._cell(key, self.cells[key]) for key in self._order()],
            missing=sum(known) if known else None,
            missing_suppressed_trusts=len(self.missing) - len(known),
            noisy=self.noisy,
            margin=sum(self.margins) if self.margins else None,
        )

    def _order(self) -> Iterable[CellKey]:
        """Of one trust: as it drew them. Of several: bins by their bounds, categories by size; `other` comes last."""
        if len(self.trusts) == 1:
            return list(self.cells)
        if self.kind == "category":
            return sorted(self.cells, key=lambda key: (key[3], -sum(self.cells[key].counts), key[0]))
        return sorted(self.cells, key=lambda key: (key[1] is not None, str(type(key[1])), key[1] or 0, key[2] or 0))

    def _cell(self, key: CellKey, cell: _Cell) -> ChartCellRead:
        label, low, high, other = key
        return ChartCellRead(
            label=label,
            low=low,
            high=high,
            other=other,
            count=sum(cell.counts) if cell.counts else None,
            trusts=len(cell.counts),
            suppressed_trusts=cell.suppressed,
            unlisted_trusts=len(self.trusts) - len(cell.counts) - cell.suppressed,
        )


def merged_charts(results: Mapping[str, Mapping[str, Any]]) -> list[ChartRead]:
    """`results`: CohortCountResult as JSON by trust. A chart whose kind differs between trusts is shown per kind."""
    charts: dict[tuple[str, str], _Chart] = {}
    for trust, result in results.items():
        for summary in _summaries(result):
            key = (summary["name"], summary["kind"])
            charts.setdefault(key, _Chart(*key)).add(trust, summary)
    return [chart.read() for chart in charts.values()]


def _summaries(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Per column; of older trusts the histograms that were the same for each query."""
    if result.get("columns"):
        return result["columns"]
    return [
        {
            "name": histogram["name"],
            "kind": "category",
            "missing": None,
            "cells": [{"label": cell["value"], "count": cell["count"]} for cell in histogram["cells"]],
        }
        for histogram in result.get("histograms", [])
    ]

"""The points of a local run as charts: one per label and x axis, a line per client, and their mean."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flip.errors import FlipError

Line = list[tuple[float, float]]  # (x, value), by x


@dataclass(slots=True)
class Chart:
    """`mean` is taken over the clients that have a value at an x; it is empty with fewer than two clients."""

    label: str
    x_label: str
    lines: dict[str, Line] = field(default_factory=lambda: {})
    mean: Line = field(default_factory=lambda: [])


def read_points(folder: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl`. Raises FlipError `no_metrics`; a half-written last line is left out."""
    file = folder / "metrics.jsonl"
    if not file.is_file():
        raise FlipError(
            f"{folder} has no metrics.jsonl. Name a folder below flip-local/ of a run that sent metrics.",
            code="no_metrics",
        )
    points: list[dict[str, Any]] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            points.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    if not points:
        raise FlipError(f"{file} is empty: the run sent no metrics.", code="no_metrics")
    return points


def charts_of(points: Iterable[Mapping[str, Any]]) -> list[Chart]:
    """In the order in which labels came first. A second value of a client at the same x replaces the first."""
    values: dict[tuple[str, str], dict[str, dict[float, float]]] = {}
    for point in points:
        x = point["round"] if point.get("x_value") is None else point["x_value"]
        of_chart = values.setdefault((point["label"], point.get("x_label") or "round"), {})
        of_chart.setdefault(point.get("client_name") or "?", {})[float(x)] = float(point["value"])
    charts: list[Chart] = []
    for (label, x_label), clients in values.items():
        chart = Chart(label, x_label, {name: sorted(line.items()) for name, line in sorted(clients.items())})
        if len(clients) > 1:
            at: defaultdict[float, list[float]] = defaultdict(list)
            for line in clients.values():
                for x, value in line.items():
                    at[x].append(value)
            chart.mean = sorted((x, sum(found) / len(found)) for x, found in at.items())
        charts.append(chart)
    return charts

"""`flip app plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flip.errors import FlipError


def plot(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder below flip-local/; the latest one where none is given.")
    ] = None,
) -> None:
    """Draw a local run's metrics: metrics.png and metrics.html, which opens in any browser without a network."""
    from flip.local_run.reports import latest_folder
    from flip.local_run.series import charts_of, read_points

    chosen = folder or latest_folder(Path())
    if chosen is None:
        raise FlipError("There is no run with metrics below flip-local/ here. First: flip app run .", code="no_metrics")
    charts = charts_of(read_points(chosen))

    from flip.local_run.drawing import write_html, write_png  # matplotlib takes a second to load

    write_png(charts, chosen / "metrics.png", f"Local run {chosen.name}")
    write_html(charts, chosen / "metrics.html", f"Local run {chosen.name}")
    print(f"{len(charts)} chart(s):\n  {chosen / 'metrics.png'}\n  {chosen / 'metrics.html'}")

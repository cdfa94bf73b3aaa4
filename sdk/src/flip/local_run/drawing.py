"""Charts as one PNG picture and as one HTML page that needs nothing else: no script, no font, no address."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("Agg")  # no display is needed

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flip.local_run.series import Chart

# Okabe and Ito's colours, told apart with every kind of colour vision.
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8C6D1F")
MARKERS: Final = "osD^vPX"
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1a1a1a; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figure svg { width: 100%; height: auto; }
table { border-collapse: collapse; margin-top: 1rem; } th, td { padding: .25rem .75rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } tr { border-bottom: 1px solid #ddd; }
"""


def write_png(charts: Sequence[Chart], path: Path, title: str) -> None:
    columns = min(3, len(charts))
    rows = -(-len(charts) // columns)
    figure = Figure(figsize=(5 * columns, 3.6 * rows), layout="constrained")
    figure.suptitle(_plain(title))
    for number, chart in enumerate(charts, 1):
        _draw(figure.add_subplot(rows, columns, number), chart, charts)
    figure.savefig(path, dpi=120)


def write_html(charts: Sequence[Chart], path: Path, title: str) -> None:
    figures = "\n".join(
        f'<figure role="img" aria-label="{escape(f"{chart.label} by {chart.x_label}")}">{_svg(chart, charts)}</figure>'
        for chart in charts
    )
    path.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1>\n<main>{figures}</main>\n{_table(charts)}</body></html>\n",
        encoding="utf-8",
    )


def _svg(chart: Chart, charts: Sequence[Chart]) -> str:
    figure = Figure(figsize=(5.4, 3.6), layout="constrained")
    _draw(figure.add_subplot(), chart, charts)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"{chart.label} {chart.x_label}"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)  # it names addresses, to no use here
    return svg[svg.index("<svg") :]


def _draw(axes: Any, chart: Chart, charts: Sequence[Chart]) -> None:
    clients = list(dict.fromkeys(name for one in charts for name in one.lines))  # one colour per client throughout
    for name, line in chart.lines.items():
        number = clients.index(name)
        style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
        axes.plot(*zip(*line, strict=True), label=_plain(name), markersize=4, linewidth=1.4, **style)
    if chart.mean:
        axes.plot(*zip(*chart.mean, strict=True), label="mean", color="#1a1a1a", linewidth=2.2, linestyle="--")
    axes.set_title(_plain(chart.label))
    axes.set_xlabel(_plain(chart.x_label))
    axes.grid(alpha=0.3)
    if all(x.is_integer() for line in chart.lines.values() for x, _ in line):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize="small")


def _plain(text: str) -> str:
    """Without meaning for matplotlib: `$` would begin a formula, and a leading `_` hides a legend's entry."""
    text = text.replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text


def _table(charts: Sequence[Chart]) -> str:
    """The last value of each client, as numbers."""
    clients = list(dict.fromkeys(name for chart in charts for name in chart.lines))
    head = "".join(f"<th>{escape(name)}</th>" for name in [*clients, "mean"])
    rows: list[str] = []
    for chart in charts:
        last = [chart.lines[name][-1][1] if name in chart.lines else None for name in clients]
        cells = "".join(
            f"<td>{'' if value is None else f'{value:.4g}'}</td>"
            for value in [*last, chart.mean[-1][1] if chart.mean else None]
        )
        x = next(iter(chart.lines.values()))[-1][0]
        rows.append(f"<tr><td>{escape(chart.label)} ({escape(chart.x_label)} {x:g})</td>{cells}</tr>")
    return f"<table><thead><tr><th>last value</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

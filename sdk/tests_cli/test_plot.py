"""`flip app plot`: charts out of a run's points; pictures that open without a network."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flip.errors import FlipError
from flip.local_run.drawing import write_html, write_png
from flip.local_run.reports import latest_folder
from flip.local_run.series import charts_of, read_points

FLIP = Path(sys.executable).parent / "flip"


def point(label, client, value, round=1, x_label="round", x_value=None) -> dict:
    names = ("label", "client_name", "value", "round", "x_label", "x_value")
    return dict(zip(names, (label, client, value, round, x_label, x_value), strict=True))


POINTS = [
    point("LOSS", "trust-2", 4.0, 1),
    point("LOSS", "trust-1", 2.0, 1),
    point("LOSS", "trust-1", 1.0, 2),
    point("LOSS", "trust-1", 0.5, 2, "epoch", 1.5),
    point("DICE", "trust-1", 0.7, 1),
]


def test_one_chart_for_each_label_and_axis_with_a_line_per_client_and_their_mean() -> None:
    by_round, by_epoch, dice = charts_of(POINTS)
    assert (by_round.label, by_round.x_label, by_epoch.x_label, dice.label) == ("LOSS", "round", "epoch", "DICE")
    assert by_round.lines == {"trust-1": [(1, 2.0), (2, 1.0)], "trust-2": [(1, 4.0)]}
    assert by_round.mean == [(1, 3.0), (2, 1.0)]
    assert (by_epoch.lines, by_epoch.mean) == ({"trust-1": [(1.5, 0.5)]}, [])


def test_a_later_value_at_the_same_place_replaces_the_earlier() -> None:
    (chart,) = charts_of([point("A", "t", 1.0, 3), point("A", "t", 2.0, 1), point("A", "t", 5.0, 3)])
    assert chart.lines == {"t": [(1, 2.0), (3, 5.0)]}


class Outside(HTMLParser):
    """Collects what a browser would fetch or run."""

    found: list = []

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "iframe", "object", "embed", "link", "img", "base"):
            self.found.append(tag)
        self.found += [
            f"{k}={v}" for k, v in attributes if k in ("src", "href", "xlink:href") and not v.startswith("#")
        ]
        self.found += [k for k, _ in attributes if k.startswith("on")]


def test_the_page_fetches_and_runs_nothing_whatever_an_app_calls_its_metrics(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>$x_1$"
    charts = charts_of([*POINTS, point(nasty, '"><img src=x onerror=alert(1)>', 1.0), point("_A", "_b", 1.0)])
    write_html(charts, tmp_path / "m.html", "Local run <b>1</b>")
    text = (tmp_path / "m.html").read_text()
    parser = Outside()
    parser.feed(text)
    assert parser.found == []
    assert not re.search(r"url\((?!#)", text)
    assert text.count("<svg") == 5
    assert "TRAIN" not in text
    assert "trust-1" in text


def test_the_picture_shows_every_chart(tmp_path: Path) -> None:
    write_png(charts_of(POINTS), tmp_path / "m.png", "Local run")
    head = (tmp_path / "m.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(head[16:20]) == 3 * 5 * 120  # three charts beside each other, 5 inches of 120 dots each


def test_the_command_draws_the_latest_run_or_the_given_one(tmp_path: Path) -> None:
    for age, name in ((100, "20260101-100000"), (0, "20260101-100000-2")):
        file = tmp_path / "flip-local" / name / "metrics.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text("\n".join(json.dumps(p) for p in POINTS) + '\n{"label": "half')
        os.utime(file, (file.stat().st_atime, file.stat().st_mtime - age))
    older, latest = (tmp_path / "flip-local" / name for name in ("20260101-100000", "20260101-100000-2"))
    assert latest_folder(tmp_path) == latest
    subprocess.run([FLIP, "app", "plot"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert sorted(p.name for p in latest.iterdir()) == ["metrics.html", "metrics.jsonl", "metrics.png"]
    assert len(list(older.iterdir())) == 1
    subprocess.run([FLIP, "app", "plot", older], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert (older / "metrics.png").is_file()


def test_a_run_without_metrics_is_said(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").touch()
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FlipError) as raised:
            read_points(folder)
        assert raised.value.code == "no_metrics"
    done = subprocess.run([FLIP, "app", "plot"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "[no_metrics]" in done.stderr

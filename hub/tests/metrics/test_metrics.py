"""Points are kept once, thinned for charts, and leave whole."""

import csv
import io
import zipfile
from uuid import UUID, uuid4

import numpy as np
import pyarrow.parquet as pq
import pytest
from hub.tests.rows import make_project, make_run
from sqlalchemy import func, select

from flip_contracts.messages import MetricPoint
from flip_hub.db import now
from flip_hub.metrics import service
from flip_hub.metrics.reading import thinned
from flip_hub.metrics.tables import MetricChunk
from flip_hub.trusts.tables import Trust


@pytest.fixture
def alpha(hub):
    return hub.trust("alpha")


@pytest.fixture
def run(hub, alpha) -> UUID:
    return make_run(hub, make_project(hub, "alpha"), "alpha")


def point(x: float, value: float, label: str = "LOSS", **changes) -> dict:
    body = {"id": str(uuid4()), "label": label, "value": value, "round": int(x), "at": now().isoformat(), **changes}
    return body | {"client_name": changes.get("client_name", "alpha")}


def send(alpha, run, *points: dict) -> None:
    assert alpha.send(kind="metrics", run_id=str(run), points=list(points))["rejected"] == []


def test_a_point_counts_once_however_often_and_in_whatever_company_it_comes(hub, alpha, run):
    first, second = point(1, 0.5), point(2, 0.4)
    for sent in ([first], [first, second], [second, first], [first, first]):
        send(alpha, run, *sent)
    (series,) = hub.researcher.get(f"runs/{run}/metrics")
    assert series == {"trust": "alpha", "label": "LOSS", "x_label": "round", "total": 2, "points": [[1, 0.5], [2, 0.4]]}


def test_series_are_kept_apart_by_trust_label_and_x_label_and_drawn_by_x(hub, alpha, run):
    with hub.database.session() as session:
        at = now()
        points = [MetricPoint(id=uuid4(), label="LOSS", value=9.0, round=1, at=at)]
        service.store(session, run, None, points)
    send(alpha, run, point(3, 3.0), point(1, 1.0, x_label="step", x_value=70.5), point(1, 1.0), point(2, 0.1, "DICE"))
    drawn = hub.researcher.get(f"runs/{run}/metrics")
    assert {(s["trust"], s["label"], s["x_label"]): s["points"] for s in drawn} == {
        (None, "LOSS", "round"): [[1, 9]],
        ("alpha", "LOSS", "round"): [[1, 1], [3, 3]],
        ("alpha", "LOSS", "step"): [[70.5, 1]],
        ("alpha", "DICE", "round"): [[2, 0.1]],
    }
    (only,) = hub.researcher.get(f"runs/{run}/metrics?label=LOSS&trust=server")
    assert only["trust"] is None
    assert len(hub.researcher.get(f"runs/{run}/metrics?trust=alpha&x_from=2&x_to=70")) == 3
    assert hub.researcher.get(f"runs/{run}/metrics?label=DICE&x_from=3")[0]["points"] == []


def test_a_summary_has_the_newest_first(hub, alpha, run):
    send(alpha, run, point(1, 5.0), point(2, 1.0), point(3, 2.0))
    send(alpha, run, point(1, 0.9, "DICE"))
    dice, loss = hub.researcher.get(f"runs/{run}/metrics/summary")
    assert (dice["label"], loss["label"]) == ("DICE", "LOSS")
    assert (loss["last"], loss["lowest"], loss["highest"], loss["total"]) == ([3, 2], 1, 5, 3)
    assert loss["spark"] == [[1, 5], [2, 1], [3, 2]]


def fill(hub, run, count: int, batch: int) -> None:
    values = np.sin(np.arange(count) / 50)
    values[count // 2] = 99.0
    with hub.database.session() as session:
        trust = session.scalar(select(Trust).where(Trust.name == "alpha"))
        for start in range(0, count, batch):
            at = now()
            made = [
                MetricPoint(id=uuid4(), label="LOSS", value=float(values[i]), round=i, at=at)
                for i in range(start, min(start + batch, count))
            ]
            service.store(session, run, trust, made)


def test_a_long_series_is_thinned_without_losing_its_peak_and_compacting_changes_nothing(hub, run):
    fill(hub, run, 3000, 10)
    (before,) = hub.researcher.get(f"runs/{run}/metrics?points=100")
    assert before["total"] == 3000
    assert len(before["points"]) <= 100
    assert max(y for _, y in before["points"]) == 99
    (whole,) = hub.researcher.get(f"runs/{run}/metrics?points=5000")
    assert [x for x, _ in whole["points"]] == list(range(3000))
    with hub.database.session() as session:
        assert service.compact(session) == 1
        assert session.scalar(select(func.count()).select_from(MetricChunk)) == 1
        assert service.compact(session) == 0
    assert hub.researcher.get(f"runs/{run}/metrics?points=5000") == [whole]
    assert len(hub.researcher.get(f"runs/{run}/metrics?points=100&x_from=0&x_to=50")[0]["points"]) == 51


def test_points_that_share_an_x_can_be_thinned():
    assert len(thinned(np.zeros(1000), np.arange(1000.0), 50)) <= 50


def test_runs_are_compared_only_if_both_may_be_seen(hub, alpha, run):
    other = make_run(hub, make_project(hub, "alpha", name="Q"), "alpha")
    send(alpha, run, point(1, 1.0))
    send(alpha, other, point(1, 2.0))
    found = hub.researcher.get(f"metrics/compare?run={run}&run={other}&label=LOSS")
    assert {s["run_id"]: s["points"] for s in found} == {str(run): [[1, 1]], str(other): [[1, 2]]}
    stranger = hub.person("researcher", "s@x.example")
    assert stranger.refused("GET", f"metrics/compare?run={run}&run={other}") == "not_found"


def test_a_whole_run_leaves_as_csv_parquet_and_tensorboard(hub, alpha, run):
    send(alpha, run, point(1, 0.5, client_name="=evil()"), point(2, 0.25, x_label="step", x_value=7.0))

    def export(kind: str) -> bytes:
        response = hub.researcher.call("GET", f"runs/{run}/metrics/export?format={kind}")
        assert response.status_code == 200
        return response.content

    one, two = csv.DictReader(io.StringIO(export("csv").decode()))
    assert (one["trust"], one["x"], one["value"], one["client_name"]) == ("alpha", "1.0", "0.5", "'=evil()")
    assert (two["x_label"], two["x"]) == ("step", "7.0")
    table = pq.read_table(io.BytesIO(export("parquet"))).to_pylist()
    assert [(row["trust"], row["x"], row["value"], row["round"]) for row in table] == [
        ("alpha", 1, 0.5, 1),
        ("alpha", 7, 0.25, 2),
    ]
    (name,) = zipfile.ZipFile(io.BytesIO(export("tensorboard"))).namelist()
    assert name.startswith("alpha/events.out.tfevents")

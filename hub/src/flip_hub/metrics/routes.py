"""Metric series of runs: to draw, to list, to compare, to take away."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, FiniteFloat
from sqlalchemy.orm import Session

from flip_hub.audit.service import record
from flip_hub.auth import CurrentUser, visible_run
from flip_hub.db import Database, ReadSession, WriteSession
from flip_hub.errors import FieldInvalid, NotFound, errors
from flip_hub.metrics import export, reading
from flip_hub.metrics.reading import Point, Wanted
from flip_hub.routing import Router

router = Router(tags=["metrics"])
MAX_RUNS = 20
SPARK_POINTS = 40
Labels = Annotated[list[str], Query(default_factory=list, max_length=100, description="Only these labels; none: all.")]
Trusts = Annotated[
    list[str], Query(default_factory=list, max_length=100, description="Only these trusts; `server`: the ServerApp.")
]
Most = Annotated[int, Query(ge=10, le=20_000, description="The most points of one series; more are thinned.")]


class SeriesRead(BaseModel):
    """`trust` is null for what the ServerApp sent. `points` are [x, value], by x.

    `total` counts the points that there are; when it is more than those here, peaks and the look of the line are kept.
    """

    trust: str | None
    label: str
    x_label: str
    total: int
    points: list[Point]


class RunSeriesRead(SeriesRead):
    run_id: UUID


class SummaryRead(BaseModel):
    """`last` is the newest [x, value]; `spark` a small picture of the newest stretch."""

    trust: str | None
    label: str
    x_label: str
    total: int
    last: Point
    at: datetime
    lowest: float
    highest: float
    spark: list[Point]


class ExportFormat(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    TENSORBOARD = "tensorboard"


def _drawn(
    session: Session, run_ids: list[UUID], wanted: Wanted, most: int, x_from: float | None, x_to: float | None
) -> list[dict[str, Any]]:
    """`RunSeriesRead` as it becomes JSON."""
    found = reading.series_of(session, run_ids, wanted)
    points = reading.points_of(session, [series.id for _, series in found], most, x_from, x_to)
    return [
        {
            "run_id": series.run_id,
            "trust": trust,
            "label": series.label,
            "x_label": series.x_label,
            "total": series.points,
            "points": points.get(series.id, []),
        }
        for trust, series in found
    ]


def _json(series: list[dict[str, Any]]) -> Response:
    """Numbers by the ten thousand, without a Python object for each."""
    return Response(
        orjson.dumps(series, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z), media_type="application/json"
    )


@router.get("/runs/{run_id}/metrics", response_model=list[SeriesRead], responses=errors(NotFound))
def get_run_metrics(
    run_id: UUID,
    user: CurrentUser,
    session: ReadSession,
    label: Labels,
    trust: Trusts,
    points: Most = 2000,
    x_from: FiniteFloat | None = None,
    x_to: FiniteFloat | None = None,
) -> Response:
    """The lines of a run's charts. `x_from` and `x_to` zoom in: a shorter stretch is thinned less."""
    visible_run(session, user, run_id)
    drawn = _drawn(session, [run_id], Wanted(label, trust), points, x_from, x_to)
    for series in drawn:
        del series["run_id"]
    return _json(drawn)


@router.get("/runs/{run_id}/metrics/summary", response_model=list[SummaryRead], responses=errors(NotFound))
def summarise_run_metrics(run_id: UUID, user: CurrentUser, session: ReadSession) -> Response:
    """The last value of each series, newest first, with a sparkline."""
    visible_run(session, user, run_id)
    found = reading.series_of(session, [run_id])
    sparks = reading.sparks(session, [series.id for _, series in found], SPARK_POINTS)
    found.sort(key=lambda pair: pair[1].last_at, reverse=True)
    told = [
        {
            "trust": trust,
            "label": series.label,
            "x_label": series.x_label,
            "total": series.points,
            "last": (series.last_x, series.last_value),
            "at": series.last_at,
            "lowest": series.lowest,
            "highest": series.highest,
            "spark": sparks.get(series.id, []),
        }
        for trust, series in found
    ]
    return _json(told)


@router.get("/metrics/compare", response_model=list[RunSeriesRead], responses=errors(NotFound, FieldInvalid))
def compare_runs(
    user: CurrentUser,
    session: ReadSession,
    run: Annotated[list[UUID], Query(min_length=1, max_length=MAX_RUNS)],
    label: Labels,
    trust: Trusts,
    points: Most = 500,
) -> Response:
    """The same labels of several runs, to draw in one chart."""
    for run_id in run:
        visible_run(session, user, run_id)
    return _json(_drawn(session, list(dict.fromkeys(run)), Wanted(label, trust), points, None, None))


@router.get("/runs/{run_id}/metrics/export", response_class=StreamingResponse, responses=errors(NotFound))
def export_run_metrics(
    run_id: UUID, user: CurrentUser, session: WriteSession, request: Request, format: ExportFormat = ExportFormat.CSV
) -> StreamingResponse:
    """Every point as CSV, Parquet or TensorBoard event files (a zip)."""
    visible_run(session, user, run_id)
    record(session, str(user.id), "metrics.exported", str(run_id), format=format)
    name, kind = NAMES[format]
    headers = {"content-disposition": f'attachment; filename="run-{run_id}-{name}"'}
    return StreamingResponse(_exported(request.app.state.database, run_id, format), media_type=kind, headers=headers)


NAMES = {
    ExportFormat.CSV: ("metrics.csv", "text/csv"),
    ExportFormat.PARQUET: ("metrics.parquet", "application/vnd.apache.parquet"),
    ExportFormat.TENSORBOARD: ("tensorboard.zip", "application/zip"),
}


def _exported(database: Database, run_id: UUID, format: ExportFormat) -> Iterator[bytes]:
    """Made whole first: a slow reader must not keep a connection to the database."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "export"
        with database.session() as session:
            WRITERS[format](reading.everything(session, run_id), target)
        with target.open("rb") as made:
            while block := made.read(2**20):
                yield block


WRITERS = {
    ExportFormat.CSV: export.write_csv,
    ExportFormat.PARQUET: export.as_parquet,
    ExportFormat.TENSORBOARD: export.as_tensorboard,
}

"""Metric series of a run."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from flip_hub.auth import CurrentUser, visible_run
from flip_hub.db import ReadSession
from flip_hub.metrics.tables import Metric
from flip_hub.trusts.tables import Trust

router = APIRouter(tags=["metrics"])


class SeriesRead(BaseModel):
    """`trust` is null for what the ServerApp sent. `points` are [x, value], by x."""

    trust: str | None
    label: str
    x_label: str
    points: list[tuple[float, float]]


@router.get("/runs/{run_id}/metrics")
def get_run_metrics(run_id: UUID, user: CurrentUser, session: ReadSession) -> list[SeriesRead]:
    visible_run(session, user, run_id)
    rows = session.execute(
        select(Trust.name, Metric.label, Metric.x_label, Metric.x, Metric.value)
        .join(Trust, Trust.id == Metric.trust_id, isouter=True)
        .where(Metric.run_id == run_id)
        .order_by(Trust.name, Metric.label, Metric.x_label, Metric.x, Metric.at)
    )
    series: dict[tuple[str | None, str, str], list[tuple[float, float]]] = {}
    for trust, label, x_label, x, value in rows:
        series.setdefault((trust, label, x_label), []).append((x, value))
    return [SeriesRead(trust=t, label=label, x_label=x, points=p) for (t, label, x), p in series.items()]

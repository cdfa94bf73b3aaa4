"""Series as numpy columns: whole, or thinned to what a chart can show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from tsdownsample import MinMaxLTTBDownsampler

from flip_hub.metrics.tables import MetricChunk, MetricSeries
from flip_hub.trusts.tables import Trust

SERVER_APP = "server"  # how a query names the series that the ServerApp sent
SPARK_CHUNKS = 32
ROWS_AT_ONCE = 256
Floats = NDArray[np.float64]
Point = tuple[float, float]
Drawn = NDArray[np.float64]  # shape (points, 2): x and value
THINNER = MinMaxLTTBDownsampler()  # keeps peaks, then picks the points that draw the same line


@dataclass(frozen=True)
class Wanted:
    labels: Sequence[str] = ()
    trusts: Sequence[str] = ()  # names, or SERVER_APP


def series_of(
    session: Session, run_ids: Sequence[UUID], wanted: Wanted = Wanted()
) -> list[tuple[str | None, MetricSeries]]:
    """With each the trust's name, or None for the ServerApp."""
    query = (
        select(Trust.name, MetricSeries)
        .join(Trust, Trust.id == MetricSeries.trust_id, isouter=True)
        .where(MetricSeries.run_id.in_(run_ids))
        .order_by(MetricSeries.label, Trust.name, MetricSeries.x_label, MetricSeries.id)
    )
    if wanted.labels:
        query = query.where(MetricSeries.label.in_(wanted.labels))
    if wanted.trusts:
        server = MetricSeries.trust_id.is_(None) if SERVER_APP in wanted.trusts else False
        query = query.where(Trust.name.in_(wanted.trusts) | server)
    return [(name, series) for name, series in session.execute(query)]


def points_of(
    session: Session, series_ids: Sequence[int], most: int, x_from: float | None = None, x_to: float | None = None
) -> dict[int, Drawn]:
    """Of each series by x; at most `most` points of each, chosen so that the line looks the same."""
    return {
        series_id: _drawn([(xs, ys) for _, xs, ys in mine], most, x_from, x_to)
        for series_id, mine in groupby(_chunks(session, series_ids), itemgetter(0))
    }


def _drawn(chunks: Sequence[tuple[bytes, bytes]], most: int, x_from: float | None, x_to: float | None) -> Drawn:
    xs, ys = _floats([xs for xs, _ in chunks]), _floats([ys for _, ys in chunks])
    if np.any(np.diff(xs) < 0):
        order = np.argsort(xs, kind="stable")
        xs, ys = xs[order], ys[order]
    start = 0 if x_from is None else int(np.searchsorted(xs, x_from, "left"))
    end = len(xs) if x_to is None else int(np.searchsorted(xs, x_to, "right"))
    return thinned(xs[start:end], ys[start:end], most)


def _chunks(session: Session, series_ids: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
    """Series after series, never all of them in memory. In PostgreSQL's binary format: as text each byte is two, and a
    million points are 32 MB to read."""
    session.flush()
    driver = session.connection().connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        yield from cursor.stream(
            "SELECT series_id, xs, ys FROM metric_chunks WHERE series_id = ANY(%s) ORDER BY series_id, id",
            (list(series_ids),),
            binary=True,
            size=ROWS_AT_ONCE,
        )


def thinned(xs: Floats, ys: Floats, most: int) -> Drawn:
    if len(xs) > most:
        # by position where several points share an x: its bins need an x that grows
        chosen = (
            THINNER.downsample(xs, ys, n_out=most) if np.all(np.diff(xs) > 0) else THINNER.downsample(ys, n_out=most)
        )
        xs, ys = xs[chosen], ys[chosen]
    return np.column_stack((xs, ys))


def _floats(columns: Sequence[bytes]) -> Floats:
    return np.frombuffer(b"".join(columns), ">f8").astype(np.float64)


def sparks(session: Session, series_ids: Sequence[int], most: int) -> dict[int, Drawn]:
    """The newest stretch of each series, for a small picture beside its last value."""
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    for series_id, xs, ys in session.execute(NEWEST, {"ids": list(series_ids), "chunks": SPARK_CHUNKS}):
        found.setdefault(series_id, []).append((xs, ys))
    made = {}
    for series_id, chunks in found.items():
        xs, ys = _floats([x for x, _ in reversed(chunks)]), _floats([y for _, y in reversed(chunks)])
        order = np.argsort(xs, kind="stable")
        made[series_id] = thinned(xs[order], ys[order], most)
    return made


NEWEST = text("""
    SELECT wanted.id, c.xs, c.ys FROM unnest(CAST(:ids AS bigint[])) AS wanted(id)
    CROSS JOIN LATERAL (
        SELECT id, xs, ys FROM metric_chunks WHERE series_id = wanted.id ORDER BY id DESC LIMIT :chunks
    ) AS c ORDER BY wanted.id, c.id DESC
""")


@dataclass(frozen=True)
class Columns:
    """Some points of one series as they arrived."""

    trust: str | None
    label: str
    x_label: str
    client_name: str
    xs: Floats
    ys: Floats
    rounds: NDArray[np.int32]
    ats: Floats


def everything(session: Session, run_id: UUID) -> Iterator[Columns]:
    """All points of a run, a chunk at a time."""
    for trust, series in series_of(session, [run_id]):
        chunks = session.scalars(
            select(MetricChunk)
            .where(MetricChunk.series_id == series.id)
            .order_by(MetricChunk.id)
            .execution_options(yield_per=64)
        )
        for chunk in chunks:
            yield Columns(
                trust,
                series.label,
                series.x_label,
                chunk.client_name,
                _floats([chunk.xs]),
                _floats([chunk.ys]),
                np.frombuffer(chunk.rounds, ">i4").astype(np.int32),
                _floats([chunk.ats]),
            )
            session.expunge(chunk)

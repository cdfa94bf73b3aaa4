"""Keep metric points, each once, under the trust that was authenticated."""

from datetime import timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from flip_contracts.messages import MessageKind, MetricPoint, MetricsMessage
from flip_hub.db import now
from flip_hub.live.service import emit
from flip_hub.live.tables import Event
from flip_hub.metrics.tables import SMALL
from flip_hub.runs.service import add_event
from flip_hub.runs.tables import RunTrust
from flip_hub.trusts.handlers import on_message
from flip_hub.trusts.service import MessageRefused
from flip_hub.trusts.tables import Trust

LIVE_POINTS = 200  # of one message; a page that is told of more reads the series again
MANY_CHUNKS = 256
IDS_KEPT = timedelta(days=7)  # after the run's end a trust may still deliver what it could not before


def x_of(point: MetricPoint) -> float:
    return point.x_value if point.x_value is not None else float(point.round)


def store(session: Session, run_id: UUID, trust: Trust | None, points: list[MetricPoint]) -> None:
    fresh = _fresh(session, run_id, points)
    if not fresh:
        return
    groups: dict[tuple[str, str, str], list[MetricPoint]] = {}
    for point in fresh:
        groups.setdefault((point.label, point.x_label, point.client_name), []).append(point)
    series = _series(session, run_id, trust, groups)
    columns = {
        "series": [series[label, x_label] for label, x_label, _ in groups],
        "names": [client_name for _, _, client_name in groups],
        "points": [len(group) for group in groups.values()],
        "xs": [np.array([x_of(p) for p in group], ">f8").tobytes() for group in groups.values()],
        "ys": [np.array([p.value for p in group], ">f8").tobytes() for group in groups.values()],
        "rounds": [np.array([min(p.round, 2**31 - 1) for p in group], ">i4").tobytes() for group in groups.values()],
        "ats": [np.array([p.at.timestamp() for p in group], ">f8").tobytes() for group in groups.values()],
    }
    session.execute(KEEP, columns)
    shown = [[p.label, p.x_label, x_of(p), p.value] for p in fresh[-LIVE_POINTS:]]
    facts = {"trust": trust.name if trust else None, "points": shown, "left_out": len(fresh) - len(shown)}
    emit(session, "metrics", [f"run:{run_id}"], facts, run_id=run_id)


def _fresh(session: Session, run_id: UUID, points: list[MetricPoint]) -> list[MetricPoint]:
    """Those that are not here yet, each once."""
    by_id = {point.id: point for point in points}
    ids = "{" + ",".join(sorted(map(str, by_id))) + "}"  # sorted: no deadlock
    count, new = session.execute(REMEMBER, {"run_id": run_id, "ids": ids, "all": len(by_id)}).one()
    return list(by_id.values()) if count == len(by_id) else [by_id[i] for i in by_id.keys() & set(new or ())]


# Of thousands of points all are new, nearly always: then their ids need not travel back.
REMEMBER = text("""
    WITH new AS (
        INSERT INTO metric_ids (run_id, id) SELECT :run_id, unnest(CAST(CAST(:ids AS text) AS uuid[]))
        ON CONFLICT DO NOTHING RETURNING id
    )
    SELECT count(*), CASE WHEN count(*) < :all THEN array_agg(id) END FROM new
""")


def _series(
    session: Session, run_id: UUID, trust: Trust | None, groups: dict[tuple[str, str, str], list[MetricPoint]]
) -> dict[tuple[str, str], int]:
    """The series of these points by (label, x_label), made or brought up to date in one statement."""
    merged: dict[tuple[str, str], list[MetricPoint]] = {}
    for (label, x_label, _), group in groups.items():
        merged.setdefault((label, x_label), []).extend(group)
    rows = sorted(merged.items())  # in one order: no deadlock
    columns = {
        "run_id": run_id,
        "source": str(trust.id) if trust else "",
        "trust_id": trust.id if trust else None,
        "labels": [label for (label, _), _ in rows],
        "x_labels": [x_label for (_, x_label), _ in rows],
        "points": [len(points) for _, points in rows],
        "last_xs": [x_of(points[-1]) for _, points in rows],
        "last_values": [points[-1].value for _, points in rows],
        "last_ats": [points[-1].at for _, points in rows],
        "lowest": [min(p.value for p in points) for _, points in rows],
        "highest": [max(p.value for p in points) for _, points in rows],
    }
    return {(label, x_label): series_id for label, x_label, series_id in session.execute(GROW, columns)}


# Text, with an array for each column: a statement of many rows that SQLAlchemy builds is built anew each time, which
# takes longer than all the rest of a message.
GROW = text("""
    INSERT INTO metric_series AS old (run_id, source, trust_id, label, x_label, points, last_x, last_value, last_at,
                                      lowest, highest)
    SELECT :run_id, CAST(:source AS text), CAST(:trust_id AS uuid), *
    FROM unnest(CAST(:labels AS text[]), CAST(:x_labels AS text[]), CAST(:points AS bigint[]),
                CAST(:last_xs AS float8[]), CAST(:last_values AS float8[]), CAST(:last_ats AS timestamptz[]),
                CAST(:lowest AS float8[]), CAST(:highest AS float8[]))
    ON CONFLICT (run_id, source, label, x_label) DO UPDATE SET
        points = old.points + excluded.points, last_x = excluded.last_x, last_value = excluded.last_value,
        last_at = excluded.last_at, lowest = least(old.lowest, excluded.lowest),
        highest = greatest(old.highest, excluded.highest)
    RETURNING label, x_label, id
""")
KEEP = text("""
    INSERT INTO metric_chunks (series_id, client_name, points, xs, ys, rounds, ats)
    SELECT * FROM unnest(CAST(:series AS bigint[]), CAST(:names AS text[]), CAST(:points AS int[]),
                         CAST(:xs AS bytea[]), CAST(:ys AS bytea[]), CAST(:rounds AS bytea[]), CAST(:ats AS bytea[]))
""")


@on_message(MessageKind.METRICS)
def on_metrics(session: Session, trust: Trust, message: MetricsMessage) -> None:
    if session.get(RunTrust, (message.run_id, trust.id)) is None:
        raise MessageRefused("This trust has no part in this run.")
    store(session, message.run_id, trust, message.points)
    others = sorted({p.client_name for p in message.points if p.client_name not in ("", trust.name)})
    if others and not _warned(session, message.run_id, trust.name):
        add_event(session, message.run_id, "client_name_differs", trust=trust.name, client_names=others)


def _warned(session: Session, run_id: UUID, trust: str) -> bool:
    kind = Event.kind == "client_name_differs"
    found = select(Event.id).where(Event.run_id == run_id, kind, Event.payload["trust"].astext == trust)
    return session.scalar(found.limit(1)) is not None


def compact(session: Session) -> int:
    """Join the small chunks of series that have many: a series of a million points is read from a few hundred rows."""
    crowded = session.execute(CROWDED, {"small": SMALL, "many": MANY_CHUNKS}).all()
    for series_id, client_name in crowded:
        session.execute(JOIN, {"series_id": series_id, "client_name": client_name, "small": SMALL})
    return len(crowded)


CROWDED = text("""
    SELECT series_id, client_name FROM metric_chunks WHERE points < :small
    GROUP BY series_id, client_name HAVING count(*) >= :many LIMIT 100
""")
JOIN = text("""
    WITH gone AS (
        DELETE FROM metric_chunks
        WHERE series_id = :series_id AND client_name = :client_name AND points < :small RETURNING *
    )
    INSERT INTO metric_chunks (series_id, client_name, points, xs, ys, rounds, ats)
    SELECT series_id, client_name, sum(points),
           string_agg(xs, ''::bytea ORDER BY id), string_agg(ys, ''::bytea ORDER BY id),
           string_agg(rounds, ''::bytea ORDER BY id), string_agg(ats, ''::bytea ORDER BY id)
    FROM gone GROUP BY series_id, client_name
""")


def forget_ids(session: Session) -> None:
    session.execute(FORGET, {"before": now() - IDS_KEPT})


FORGET = text("""
    DELETE FROM metric_ids WHERE run_id IN (
        SELECT DISTINCT m.run_id FROM metric_series m JOIN runs r ON r.id = m.run_id
        WHERE r.closed AND r.finished_at < :before
    )
""")

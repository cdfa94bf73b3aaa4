"""Keep metric points, each once, under the trust that was authenticated."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from flip_contracts.messages import MessageKind, MetricPoint, MetricsMessage
from flip_hub.live.service import emit
from flip_hub.live.tables import Event
from flip_hub.metrics.tables import Metric
from flip_hub.runs.service import add_event
from flip_hub.runs.tables import RunTrust
from flip_hub.trusts.handlers import on_message
from flip_hub.trusts.service import MessageRefused
from flip_hub.trusts.tables import Trust

LIVE_POINTS = 200  # of one message; a page that is told of more reads the series again


def store(session: Session, run_id: UUID, trust: Trust | None, points: list[MetricPoint]) -> None:
    rows = [
        {
            "id": p.id,
            "run_id": run_id,
            "trust_id": trust.id if trust else None,
            "label": p.label,
            "x_label": p.x_label,
            "x": p.x_value if p.x_value is not None else float(p.round),
            "value": p.value,
            "round": p.round,
            "client_name": p.client_name,
            "at": p.at,
        }
        for p in points
    ]
    session.execute(insert(Metric).values(rows).on_conflict_do_nothing(index_elements=["id"]))
    shown = [[p.label, p.x_label, row["x"], p.value] for p, row in zip(points, rows, strict=True)][-LIVE_POINTS:]
    facts = {"trust": trust.name if trust else None, "points": shown, "left_out": len(points) - len(shown)}
    emit(session, "metrics", [f"run:{run_id}"], facts, run_id=run_id)


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

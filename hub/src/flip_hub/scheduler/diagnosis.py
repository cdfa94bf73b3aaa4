"""Which side a run waits for, in words, from what was told of it. Facts only: no clock but the database's."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.statuses import RunTrustState
from flip_hub.db import now
from flip_hub.live.tables import Event
from flip_hub.nets.tables import NetRow
from flip_hub.runs.service import parts
from flip_hub.runs.tables import Run

SILENT: Final = timedelta(seconds=60)  # neither a net nor an agent is quiet for so long while it is well
KINDS: Final = ("server_app_started", "round_sent", "round_done", "node_client_done")


def diagnose(session: Session, run: Run) -> str:
    net = session.get(NetRow, run.net_id) if run.net_id else None
    if net is None or net.last_seen_at is None or now() - net.last_seen_at > SILENT:
        return "The net itself has not answered lately: look at its FL API and SuperLink."
    steps = session.scalars(
        select(Event).where(Event.run_id == run.id, Event.kind.in_(KINDS)).order_by(Event.id.desc()).limit(200)
    ).all()
    last = next((event for event in steps if event.kind != "node_client_done"), None)
    if last is None:
        return "The ServerApp has not started: look at the net's executor."
    if last.kind == "server_app_started":
        return "The ServerApp runs and has sent no message to any trust: it computes, or waits for trusts."
    number = last.payload.get("round")
    if last.kind == "round_done":
        return f"Round {number} was combined, and the ServerApp has begun nothing since."
    answered = {str(event.payload.get("trust")) for event in steps if event.kind != last.kind and event.at >= last.at}
    waited = [_trust(name, seen, state) for name, seen, state in _trusts(session, run) if name not in answered]
    if not waited:
        return f"Round {number} was answered by every trust, and the ServerApp has not combined it."
    return f"Round {number} waits for {'; '.join(waited)}."


def _trusts(session: Session, run: Run) -> list[tuple[str, datetime | None, str]]:
    gone = (RunTrustState.REFUSED, RunTrustState.LEFT, RunTrustState.LOST)
    return [
        (trust.name, trust.last_seen_at, part.state) for trust, part in parts(session, run.id) if part.state not in gone
    ]


def _trust(name: str, seen: datetime | None, state: Any) -> str:
    if seen is None or now() - seen > SILENT:
        return f"{name}, whose agent is not heard of"
    if state != RunTrustState.ONLINE:
        return f"{name}, whose SuperNode is not online"
    return f"{name}, whose ClientApp has not answered"

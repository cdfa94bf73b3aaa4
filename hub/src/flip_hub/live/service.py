"""Tell what happened, and put it in an order that no reader can fall behind of."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from flip_hub.db import now
from flip_hub.events import notify
from flip_hub.live.tables import Event

LIVE = "live"
LOCK = 7_245_003  # advisory lock: one sequencer at a time, so numbers become visible in their order
BATCH = 2000
KEPT_FOR = timedelta(hours=1)  # how long a page may be away and still be told all; then it looks at everything again


def emit(
    session: Session,
    kind: str,
    topics: Iterable[str],
    payload: dict[str, Any],
    run_id: UUID | None = None,
    kept: bool = False,
) -> None:
    """Heard by every stream of one of `topics` once this transaction has committed; never if it is rolled back."""
    row = {"at": now(), "kind": kind, "payload": payload, "topics": list(topics), "run_id": run_id, "kept": kept}
    session.execute(insert(Event).values(row))
    notify(session, LIVE)


def sequence(session: Session) -> bool:
    """Number what has been committed since the last time. True if more is waiting.

    A transaction that is still open holds up nobody: its events get their numbers when it has committed.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    numbered = session.execute(NUMBER, {"limit": BATCH}).rowcount  # type: ignore[attr-defined]  CursorResult
    return numbered == BATCH


# Materialised: evaluated once and in this order, whatever way the planner takes to the rows.
NUMBER = text("""
    WITH waiting AS MATERIALIZED (SELECT id FROM events WHERE seq IS NULL ORDER BY id LIMIT :limit),
         numbered AS MATERIALIZED (SELECT id, nextval('events_seq') AS seq FROM waiting)
    UPDATE events SET seq = numbered.seq FROM numbered WHERE events.id = numbered.id
""")


def newest(session: Session) -> int:
    return session.scalar(select(Event.seq).where(Event.seq.is_not(None)).order_by(Event.seq.desc()).limit(1)) or 0


def after(session: Session, seq: int, limit: int = BATCH) -> list[Event]:
    return list(session.scalars(select(Event).where(Event.seq > seq).order_by(Event.seq).limit(limit)))


def replay(session: Session, topics: Collection[str], start: int, until: int, limit: int) -> list[Event]:
    """What these topics' streams heard after `start`, up to `until`."""
    found = select(Event).where(Event.seq > start, Event.seq <= until, Event.topics.overlap(list(topics)))
    return list(session.scalars(found.order_by(Event.seq).limit(limit)))


def is_replayable(session: Session, seq: int) -> bool:
    """Whether everything after `seq` is still here. A number that this database never gave is not."""
    at = session.scalar(select(Event.at).where(Event.seq <= seq).order_by(Event.seq.desc()).limit(1))
    return at is not None and at > now() - KEPT_FOR and seq <= newest(session)


def prune(session: Session) -> int:
    """Forget what no stream can ask for any more; the stories of runs stay."""
    old = delete(Event).where(~Event.kept, Event.at < now() - KEPT_FOR - timedelta(hours=1))
    return session.execute(old).rowcount  # type: ignore[attr-defined]  CursorResult

"""Write the audit chain and check it: each row's hash covers the row before it."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from flip_hub.audit.tables import AuditEvent
from flip_hub.db import now

LOCK = 7_245_001  # advisory lock: two writers must not follow the same row


def record(session: Session, actor: str, action: str, subject: str, **details: Any) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    last = session.scalar(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1))
    number, before, at = (last.id + 1, last.sha256, now()) if last else (1, "", now())
    digest = _digest(before, number, at, actor, action, subject, details)
    session.add(
        AuditEvent(id=number, at=at, actor=actor, action=action, subject=subject, details=details, sha256=digest)
    )
    session.flush()


def first_broken(session: Session) -> int | None:
    """The number of the first row that does not follow from the one before it, or None."""
    before = ""
    for expected, row in enumerate(session.scalars(select(AuditEvent).order_by(AuditEvent.id)), start=1):
        digest = _digest(before, row.id, row.at, row.actor, row.action, row.subject, row.details)
        if row.id != expected or row.sha256 != digest:
            return expected
        before = row.sha256
    return None


def _digest(before: str, number: int, at: datetime, *fields: Any) -> str:
    text_of = json.dumps([before, number, at.timestamp(), *fields], sort_keys=True)
    return hashlib.sha256(text_of.encode()).hexdigest()

"""Write the audit chain and check it: each row's hash covers the row before it."""

import hashlib
import json
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from flip_hub.audit.tables import AuditEvent, AuditHead
from flip_hub.db import now

LOCK: Final = 7_245_001  # advisory lock: two writers must not follow the same row


def record(session: Session, actor: str, action: str, subject: str, **details: Any) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    last, before = head(session)
    number, at = last + 1, now()
    digest = digest_of(before, number, at, actor, action, subject, details)
    session.add(
        AuditEvent(id=number, at=at, actor=actor, action=action, subject=subject, details=details, sha256=digest)
    )
    session.flush()
    moved = {"last_id": number, "sha256": digest}
    session.execute(insert(AuditHead).values(id=1, **moved).on_conflict_do_update(index_elements=["id"], set_=moved))


def head(session: Session) -> tuple[int, str]:
    """Number and hash of the newest row; (0, "") when there is none."""
    found = session.execute(select(AuditHead.last_id, AuditHead.sha256)).one_or_none()
    return (found.last_id, found.sha256) if found else (0, "")


def digest_of(before: str, number: int, at: datetime, *fields: Any) -> str:
    text_of = json.dumps([before, number, at.timestamp(), *fields], sort_keys=True)
    return hashlib.sha256(text_of.encode()).hexdigest()

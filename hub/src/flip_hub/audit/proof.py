"""Check the audit chain, also against anchors: signed copies of its newest row that lie outside the database.

The chain shows a changed or missing row; the head row shows an end that was cut off; the anchors show both even where
somebody rewrote the whole table, chain and head alike.
"""

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_hub.audit.service import digest_of, head
from flip_hub.audit.tables import AuditEvent
from flip_hub.db import now
from flip_hub.keys import SigningKey, is_signed_by

ANCHOR_EVERY_SECONDS: Final = 600.0
AT_ONCE: Final = 1000


class Anchor(BaseModel):
    last_id: int
    sha256: str
    at: datetime


class SignedAnchor(BaseModel):
    anchor: Anchor
    signature: str


def anchors_file(data_dir: Path) -> Path:
    return data_dir / "audit" / "anchors.jsonl"


def write_anchor(session: Session, key: SigningKey, path: Path) -> bool:
    """Append the newest row, signed, if the last anchor is old enough."""
    last_id, digest = head(session)
    if not last_id or (path.exists() and time.time() - path.stat().st_mtime < ANCHOR_EVERY_SECONDS):
        return False
    anchor = Anchor(last_id=last_id, sha256=digest, at=now())
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as sink:
        sink.write(SignedAnchor(anchor=anchor, signature=key.sign(anchor)).model_dump_json() + "\n")
    return True


def read_anchors(public_key: str, path: Path) -> tuple[dict[int, str], list[int]]:
    """Hashes by row number, and the lines that are not this hub's."""
    good: dict[int, str] = {}
    bad: list[int] = []
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            signed = SignedAnchor.model_validate_json(line)
        except ValidationError:
            bad.append(number)
            continue
        if is_signed_by(public_key, signed.anchor, signed.signature):
            good[signed.anchor.last_id] = signed.anchor.sha256
        else:
            bad.append(number)
    return good, bad


def rows(session: Session, since: datetime | None = None, until: datetime | None = None) -> Iterator[AuditEvent]:
    """In order; memory stays flat."""
    query = select(AuditEvent).order_by(AuditEvent.id).execution_options(yield_per=AT_ONCE)
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if until is not None:
        query = query.where(AuditEvent.at < until)
    for row in session.scalars(query):
        yield row
        session.expunge(row)


def problems(session: Session, anchors: dict[int, str]) -> tuple[int, list[str]]:
    """How many rows there are, and what is wrong with them; nothing if the log is whole."""
    found: list[str] = []
    before, count = "", 0
    missing = dict(anchors)
    for expected, row in enumerate(rows(session), start=1):
        digest = digest_of(before, row.id, row.at, row.actor, row.action, row.subject, row.details)
        if row.id != expected or row.sha256 != digest:
            found.append(f"The chain is broken at row {expected}: it does not follow from the row before it.")
            return count, found
        if missing.pop(row.id, digest) != digest:
            found.append(f"Row {row.id} is not the one that was there when its anchor was signed.")
        before, count = row.sha256, expected
    last_id, digest = head(session)
    if (last_id, digest) != (count, before):
        found.append(f"The end is cut off: the newest row was {last_id}, and the table ends with {count}.")
    for number in sorted(missing):
        found.append(f"The end is cut off: an anchor was signed for row {number}, which is missing.")
    return count, found


def as_json(row: AuditEvent) -> str:
    """One line of an export; `sha256` covers the line before it."""
    fields = ("id", "actor", "action", "subject", "details", "sha256")
    return json.dumps({"at": row.at.isoformat(), **{name: getattr(row, name) for name in fields}}, sort_keys=True)

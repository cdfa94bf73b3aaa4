"""What left: every message to the hub, every model update, every refusal, in a chain that only grows.

Each entry holds the hash of the one before, so a changed, missing or added one is found and named. An entry is written
before its bytes are handed to the network: nothing leaves without one. A message that has to be sent again because the
hub was away is one entry, at the time of the first try.

In a database of its own (`what-left.db`), without patient data: it may be handed to an auditor as it is.
"""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from flip_trust.keys import write_private
from flip_trust.sqlite import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, outcome TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
  bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, project_id TEXT NOT NULL, run_id TEXT NOT NULL,
  approved_by TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS entries_sent ON entries (subject, kind) WHERE outcome = 'sent' AND subject <> '';
CREATE INDEX IF NOT EXISTS entries_project ON entries (project_id, seq);
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries
  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
CREATE TRIGGER IF NOT EXISTS entries_are_kept BEFORE DELETE ON entries
  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;
"""
SENT, REFUSED, NOTED = "sent", "refused", "noted"
START = "0" * 64


@dataclass(frozen=True)
class Entry:
    """`outcome`: sent, refused (something was asked and the trust said no) or noted (the trust's own acts).

    `subject`: the message's or task's id. `bytes` and `sha256`: of what was sent. `approved_by`: who approved the
    project. `code`, `text`: why something was refused.
    """

    outcome: str
    kind: str
    subject: str = ""
    bytes: int = 0
    sha256: str = ""
    project_id: str = ""
    run_id: str = ""
    approved_by: str = ""
    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class Written(Entry):
    seq: int = 0
    at: str = ""  # ISO 8601, UTC
    hash: str = ""


@dataclass(frozen=True)
class Verified:
    """`entries`: how many there are. `problems`: what is wrong, each with its place; none if all holds."""

    entries: int
    head: str
    problems: list[str]


class WhatLeft:
    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self.path, self._head_file = path, path.with_suffix(".head")
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)

    def record(self, entries: Iterable[Entry]) -> None:
        """All of them or none. A message that is in already is not written again."""
        with transaction(self._db, self._lock):
            last = self._db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
            seq, head = (last["seq"], last["hash"]) if last else (0, START)
            for entry in entries:
                if entry.outcome == SENT and entry.subject and self._is_in(entry):
                    continue
                seq += 1
                written = {"seq": seq, "at": datetime.now(UTC).isoformat(), **asdict(entry)}
                head = chained(head, written)
                names = ", ".join((*written, "hash"))
                marks = ", ".join("?" * (len(written) + 1))
                self._db.execute(f"INSERT INTO entries ({names}) VALUES ({marks})", (*written.values(), head))
        if seq:
            write_private(self._head_file, f"{seq} {head}\n".encode())

    def _is_in(self, entry: Entry) -> bool:
        found = self._db.execute(
            "SELECT 1 FROM entries WHERE subject = ? AND kind = ? AND outcome = 'sent'", (entry.subject, entry.kind)
        )
        return found.fetchone() is not None

    def entries(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        newest_first: bool = False,
        project_id: str = "",
        run_id: str = "",
        kind: str = "",
        outcome: str = "",
        since: datetime | None = None,
    ) -> list[Written]:
        """A page of them; `after` is the last number of the page before (0: the first page)."""
        beyond = "seq < ?" if newest_first and after else "seq > ?"
        sql = f"SELECT * FROM entries WHERE {beyond}"
        values: list[object] = [after]
        chosen = {"project_id": project_id, "run_id": run_id, "kind": kind, "outcome": outcome}
        for column, value in chosen.items():
            if value:
                sql += f" AND {column} = ?"
                values.append(value)
        if since is not None:
            sql += " AND at >= ?"
            values.append(since.astimezone(UTC).isoformat())
        sql += f" ORDER BY seq {'DESC' if newest_first else 'ASC'} LIMIT ?"
        with self._lock:
            rows = self._db.execute(sql, (*values, limit)).fetchall()
        return [Written(**{f.name: row[f.name] for f in fields(Written)}) for row in rows]

    def everything(self, **chosen: object) -> Iterator[Written]:
        """All that match, a page at a time, the oldest first."""
        after = 0
        while page := self.entries(after=after, limit=1000, **chosen):  # type: ignore[arg-type]
            yield from page
            after = page[-1].seq

    def kinds(self) -> list[str]:
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT DISTINCT kind FROM entries ORDER BY kind")]

    def close(self) -> None:
        with self._lock:
            self._db.close()


def chained(before: str, entry: dict[str, object]) -> str:
    """SHA-256 over the hash before and the entry as canonical JSON."""
    body = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()

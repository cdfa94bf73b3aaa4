"""Who tells the ledger: each way out of this trust, and each place that says no."""

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from flip_trust.ledger.what_left import NOTED, REFUSED, SENT, Entry, WhatLeft
from flip_trust.store import Store

OFTEN_SECONDS = 60.0  # an app that is refused in a loop is written down once a minute
_SAYS_NOTHING = ("tasks/",)  # claims and leases: a number, or a task's id


class Requests:
    """Of one client of the hub: what goes out beside the outbox's messages."""

    def __init__(self, data_dir: Path):
        self._file, self._what_left = ledger_file(data_dir), None
        self._same: dict[str, str] = {}
        self._lock = threading.Lock()

    def going_out(self, path: str, body: str) -> None:
        """Before a request that is no batch of messages. What repeats without change is one entry."""
        if path == "messages" or path.startswith(_SAYS_NOTHING) or not body:
            return
        digest = hashlib.sha256(body.encode()).hexdigest()
        with self._lock:
            if self._same.get(path) == digest:
                return
            self._same[path] = digest
            self._what_left = self._what_left or WhatLeft(self._file)
            self._what_left.record([Entry(SENT, path, bytes=len(body.encode()), sha256=digest)])


def ledger_file(data_dir: Path) -> Path:
    return data_dir / "ledger" / "what-left.db"


class Witness:
    def __init__(self, what_left: WhatLeft, store: Store):
        self.what_left, self._store = what_left, store
        self._said: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    @classmethod
    def at(cls, data_dir: Path, store: Store) -> Self:
        return cls(WhatLeft(ledger_file(data_dir)), store)

    def messages(self, waiting: Sequence[tuple[str, str]]) -> None:
        """Before they go out: (id, JSON) of each, as in the outbox."""
        self.what_left.record([self._of_message(message_id, text) for message_id, text in waiting])

    def _of_message(self, message_id: str, text: str) -> Entry:
        body = json.loads(text)
        kind, project_id, run_id = str(body.get("kind", "")), "", str(body.get("run_id") or "")
        decision = body.get("decision")
        project_id = str(body.get("project_id") or (decision or {}).get("project_id") or "")
        code = ""
        if kind == "task_result":
            asked = self._store.one("SELECT * FROM asked WHERE task_id = ?", str(body.get("task_id")))
            code = (body.get("error") or {}).get("code", "")
            if asked is not None:
                kind, project_id, run_id = f"answer: {asked['type']}", asked["project_id"], asked["run_id"]
        if run_id and not project_id:
            run = self._store.run(UUID(run_id))
            project_id = str(run.manifest.project_id) if run else ""
        return Entry(
            SENT,
            kind,
            subject=message_id,
            bytes=len(text.encode()),
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            project_id=project_id,
            run_id=run_id,
            approved_by=self._approved_by(project_id),
            code=code,
        )

    def model_update(self, run_id: UUID, message_id: str, size: int, kind: str, code: str = "") -> None:
        """A reply of a run's ClientApp that its SuperNode has handed to the SuperLink, or was handing over when it
        ended (`cut_off`). Flower's id of a message is the SHA-256 of its content; `size` counts what was pushed."""
        run = self._store.run(run_id)
        project_id = str(run.manifest.project_id) if run else ""
        entry = Entry(
            SENT,
            f"reply: {kind}",
            subject=message_id,
            bytes=size,
            sha256=message_id,
            project_id=project_id,
            run_id=str(run_id),
            approved_by=self._approved_by(project_id),
            code=code,
        )
        self.what_left.record([entry])

    def refused(
        self, kind: str, code: str, text: str, *, subject: str = "", project_id: Any = "", run_id: Any = ""
    ) -> None:
        """`text` is one of ours, without a patient's value."""
        said = (f"{kind} {code}", str(run_id or project_id))
        with self._lock:
            now = time.monotonic()
            if not subject and now - self._said.get(said, -OFTEN_SECONDS) < OFTEN_SECONDS:
                return
            self._said[said] = now
        entry = Entry(
            REFUSED,
            kind,
            subject=subject,
            project_id=str(project_id or ""),
            run_id=str(run_id or ""),
            approved_by=self._approved_by(str(project_id or "")),
            code=code,
            text=text,
        )
        self.what_left.record([entry])

    def noted(self, kind: str, text: str = "", *, project_id: Any = "", run_id: Any = "", code: str = "") -> None:
        """An act of the trust's own."""
        self.what_left.record(
            [Entry(NOTED, kind, project_id=str(project_id or ""), run_id=str(run_id or ""), code=code, text=text)]
        )

    def _approved_by(self, project_id: str) -> str:
        if not project_id:
            return ""
        row = self._store.one("SELECT signed FROM projects WHERE project_id = ?", project_id)
        made = json.loads(row["signed"]) if row and row["signed"] else {}
        return str(made.get("decided_by", "")) if made.get("decision") == "APPROVED" else ""

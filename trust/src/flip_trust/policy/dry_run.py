"""What another policy would have changed lately: over the queries, decisions and runs that this trust remembers."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flip_contracts.statuses import Decision
from flip_trust.approvals.service import Approvals
from flip_trust.code_reviews.service import CodeReviews
from flip_trust.policy.schema import TrustPolicy
from flip_trust.store import RunRow, Store


@dataclass(frozen=True)
class Change:
    """`what`: query, decision or run. `rule`: section.rule that makes the difference."""

    at: str
    what: str
    subject: str
    project_id: str
    rule: str
    was: str
    would_be: str


@dataclass(frozen=True)
class DryRun:
    """How much was looked at, and what would have come out differently, the oldest first."""

    queries: int
    decisions: int
    runs: int
    changes: list[Change]


class Rehearsal:
    def __init__(self, store: Store, approvals: Approvals, code: CodeReviews):
        self._store, self._approvals, self._code = store, approvals, code

    def of(self, now: TrustPolicy, other: TrustPolicy, days: int) -> DryRun:
        """`other` instead of `now` over the last `days`. Changes nothing; what it says stays here."""
        since = datetime.now(UTC) - timedelta(days=days)
        queries = self._store.all(
            "SELECT rowid, * FROM disclosure_debits WHERE day >= ? ORDER BY rowid", since.date().isoformat()
        )
        decisions = [d for d in self._approvals.history() if d.decision.decided_at >= since]
        runs = self._store.runs_since(since)
        changes = [
            *_queries(queries, now, other),
            *(change for d in decisions for change in _decision(d, now, other)),
            *(change for run in runs for change in self._run(run, now, other)),
        ]
        return DryRun(len(queries), len(decisions), len(runs), sorted(changes, key=lambda change: change.at))

    def _run(self, run: RunRow, now: TrustPolicy, other: TrustPolicy) -> list[Change]:
        manifest, found = run.manifest, list[Change]()

        def changed(rule: str, was: str, would_be: str) -> None:
            ids = str(manifest.run_id), str(manifest.project_id)
            found.append(Change(run.joined_at, "run", *ids, rule, was, would_be))

        if now.runs.allowed and not other.runs.allowed:
            changed("runs.allowed", "joined", "refused")
        if other.code.review == "manual" and not self._approved(run, other):
            changed("code.review", "joined", "waits for a review of its app")
        age = datetime.fromisoformat(run.joined_at) - manifest.issued_at
        if age > timedelta(hours=other.runs.manifest_hours):
            changed("runs.manifest_hours", "joined", "refused as too old")
        for name in type(manifest.limits).model_fields:
            asked = getattr(manifest.limits, name)
            was, would = min(asked, getattr(now.runs, name)), min(asked, getattr(other.runs, name))
            if was != would:
                changed(f"runs.{name}", str(was), str(would))
        return found

    def _approved(self, run: RunRow, other: TrustPolicy) -> bool:
        reviews = self._code.reviews(run.manifest.project_id)
        of_this = [r for r in reviews if r.fab_sha256 == run.manifest.fab_sha256]
        return any(len(r.approved_by) >= other.code.reviewers and not r.declined_by for r in of_this)


def _queries(rows: list[Any], now: TrustPolicy, other: TrustPolicy) -> list[Change]:
    """By the exact sizes that were noted when they were asked, and by how many were asked before on their day."""
    found: list[Change] = []
    asked: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for kind, limit in (("project", "project_queries_per_day"), ("user", "user_queries_per_day")):
            who = row["project_id"] if kind == "project" else row["asked_by"]
            before = asked[kind, f"{row['day']} {who}"]
            asked[kind, f"{row['day']} {who}"] += row["weight"]
            if who and before >= getattr(other.disclosure, limit) and before < getattr(now.disclosure, limit):
                found.append(_query(row, f"disclosure.{limit}", "answered", "refused: the day's budget is spent"))
        persons = row["persons"]
        if persons is None:
            continue
        told, would = persons >= now.disclosure.threshold, persons >= other.disclosure.threshold
        if told != would:
            words = {True: "told", False: "suppressed"}
            found.append(_query(row, "disclosure.threshold", words[told], words[would]))
        elif told and now.disclosure.round_to != other.disclosure.round_to:
            steps = f"rounded to {now.disclosure.round_to}", f"rounded to {other.disclosure.round_to}"
            found.append(_query(row, "disclosure.round_to", *steps))
        elif not persons and now.disclosure.tell_zero != other.disclosure.tell_zero:
            words = {True: "told as zero", False: "suppressed"}
            pair = words[now.disclosure.tell_zero], words[other.disclosure.tell_zero]
            found.append(_query(row, "disclosure.tell_zero", *pair))
    return found


def _query(row: Any, rule: str, was: str, would_be: str) -> Change:
    return Change(row["day"], "query", row["query_id"], row["project_id"], rule, was, would_be)


def _decision(past: Any, now: TrustPolicy, other: TrustPolicy) -> list[Change]:
    made, found = past.decision, list[Change]()

    def changed(rule: str, was: str, would_be: str) -> None:
        ids = made.decision, str(made.project_id)
        found.append(Change(made.decided_at.isoformat(), "decision", *ids, rule, was, would_be))

    if past.at_hub and other.decisions.at_hub == "refused":
        changed("decisions.at_hub", "decided at the hub", "refused: to be decided at the hospital")
    if made.decision is not Decision.APPROVED:
        return found
    if past.persons is not None and now.disclosure.threshold <= past.persons < other.disclosure.threshold:
        changed("disclosure.threshold", "approved", "refused: too few persons")
    longest = other.decisions.longest_days
    if longest is not None:
        ends = made.decided_at + timedelta(days=longest)
        if made.expires_at is None or made.expires_at > ends:
            was = f"until {made.expires_at:%Y-%m-%d}" if made.expires_at else "without an end"
            changed("decisions.longest_days", was, f"until {ends:%Y-%m-%d}")
    return found

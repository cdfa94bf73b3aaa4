"""DuckDB as the OMOP engine: each query in a process of its own that can be killed."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from flip_contracts.sql_guard import CheckedQuery, check
from flip_trust.sql.engine import CohortSummary, EngineFailed, Guard, Rows, unreadable
from flip_trust.sql.statements import PERSONS, SUMMARY, prepare
from flip_trust.sql.summary import summarised
from flip_trust.sql.zygote import Zygote

GRACE_SECONDS = 2.0  # a fork ends itself at its deadline; this much later it is given up


def _own_guard(sql: str, write: str, schema: str) -> CheckedQuery:
    return check(sql, write=write, schema=schema)


class DuckDbEngine:
    """Runs only SQL that the guard emitted. The file is opened read-only and locked down in the child."""

    def __init__(
        self,
        path: Path,
        guard: Guard | None = None,
        *,
        timeout_seconds: float = 20,
        memory_limit_mb: int = 512,
        max_rows: int = 2_000_000,
    ):
        self._guard = guard or _own_guard
        self._path, self._timeout, self._memory, self._max_rows = path, timeout_seconds, memory_limit_mb, max_rows
        self._server = Zygote("flip_trust.sql.child")

    def check(self, sql: str) -> CheckedQuery:
        return self._guard(sql, "duckdb", "omop")

    def is_there(self) -> bool:
        return self._path.exists()

    def rows(self, checked: CheckedQuery) -> Rows:
        answer, _ = self._ask({"what": "rows", "sql": checked.emitted, "max_rows": self._max_rows})
        if len(answer["rows"]) > self._max_rows:
            text = f"The cohort has more than {self._max_rows} rows at this trust. Narrow it."
            raise EngineFailed("query_too_large", text)
        return Rows(columns=[(name, kind) for name, kind in answer["columns"]], rows=answer["rows"])

    def persons_and(
        self, checked: CheckedQuery, queries: Mapping[str, str]
    ) -> tuple[np.ndarray, dict[str, list[list[Any]]]]:
        sources = prepare(checked, {**queries, "persons": PERSONS}, "duckdb", "omop").sources
        prepared = prepare(checked, queries, "duckdb", "omop")
        answers, ids = self._aggregate(sources, prepared.queries, ids=True)
        return np.frombuffer(ids, np.int64), answers

    def aggregate(self, checked: CheckedQuery, queries: Mapping[str, str]) -> dict[str, list[list[Any]]]:
        prepared = prepare(checked, queries, "duckdb", "omop")
        return self._aggregate(prepared.sources, prepared.queries)[0]

    def _aggregate(
        self, sources: dict[str, str], queries: dict[str, str], *, ids: bool = False
    ) -> tuple[dict[str, Any], bytes]:
        return self._ask({"what": "aggregate", "sources": sources, "queries": queries, "ids": ids})

    def summary(self, checked: CheckedQuery) -> CohortSummary:
        return summarised(self.aggregate(checked, SUMMARY))

    def _ask(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        limits = {"path": str(self._path), "memory_limit_mb": self._memory, "timeout_seconds": self._timeout}
        started = time.monotonic()
        told = self._server.ask(json.dumps(order | limits).encode(), self._timeout + GRACE_SECONDS)
        if told is None or (not told and time.monotonic() - started >= self._timeout):
            text = f"The query took longer than {self._timeout:.0f} s at this trust. Narrow it."
            raise EngineFailed("query_timeout", text)
        head, mark, body = told.partition(b"\n")
        if not mark or not body.endswith(b"\0"):
            raise EngineFailed("engine_failed", "The query ended early at this trust. It may need too much memory.")
        answer = json.loads(head)
        if answer.get("error") == "memory":
            raise EngineFailed("query_too_large", "The query needs more memory than this trust gives. Narrow it.")
        if answer.get("error") in ("BinderException", "CatalogException", "ParserException", "SyntaxException"):
            raise unreadable()
        if "error" in answer:
            text = "The trust's database refused the query. Check types and casts; values are never shown."
            raise EngineFailed("engine_failed", text)
        return answer, body[:-1]

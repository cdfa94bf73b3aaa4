"""DuckDB as the OMOP engine: each query in a child process that can be killed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from flip_contracts.sql_guard import CheckedQuery
from flip_trust.sql.engine import CohortSummary, EngineFailed, Rows


class DuckDbEngine:
    """Runs only SQL that the guard emitted. The file is opened read-only and locked down in the child."""

    def __init__(self, path: Path, *, timeout_seconds: float = 20, memory_limit_mb: int = 512):
        self._path, self._timeout, self._memory = path, timeout_seconds, memory_limit_mb

    def rows(self, checked: CheckedQuery) -> Rows:
        answer = self._ask("rows", checked)
        return Rows(columns=[(name, kind) for name, kind in answer["columns"]], rows=answer["rows"])

    def summary(self, checked: CheckedQuery) -> CohortSummary:
        answer = self._ask("summary", checked)
        return CohortSummary(answer["persons"], answer["accessions"], answer["histograms"])

    def _ask(self, what: str, checked: CheckedQuery) -> dict[str, Any]:
        order = {
            "what": what,
            "path": str(self._path),
            "sql": checked.emitted,
            "has_person_id": checked.has_person_id,
            "has_accession_id": checked.has_accession_id,
            "memory_limit_mb": self._memory,
            "timeout_seconds": self._timeout,
        }
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-m", "flip_trust.sql.child"],
                input=json.dumps(order),
                capture_output=True,
                text=True,
                timeout=self._timeout,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            )
        except subprocess.TimeoutExpired:
            text = f"The query took longer than {self._timeout:.0f} s at this trust. Narrow it."
            raise EngineFailed("query_timeout", text) from None
        if done.returncode != 0 or not done.stdout:
            raise EngineFailed("engine_failed", "The query ended early at this trust. It may need too much memory.")
        answer = json.loads(done.stdout)
        if answer.get("error") == "memory":
            raise EngineFailed("query_too_large", "The query needs more memory than this trust gives. Narrow it.")
        if "error" in answer:
            text = "The trust's database refused the query. Check types and casts; values are never shown."
            raise EngineFailed("engine_failed", text)
        return answer

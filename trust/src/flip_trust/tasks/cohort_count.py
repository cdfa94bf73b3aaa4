"""Aggregate a cohort: our own guard, the locked engine, disclosure control. Rows never leave."""

from flip_contracts.sql_guard import check
from flip_contracts.tasks import CohortCount, CohortCountResult
from flip_trust.sql.disclosure import summarise
from flip_trust.tasks.registry import Tools


def run(payload: CohortCount, tools: Tools) -> CohortCountResult:
    summary = tools.engine.summary(check(payload.sql))
    return summarise(summary, tools.settings.threshold, tools.settings.round_to)

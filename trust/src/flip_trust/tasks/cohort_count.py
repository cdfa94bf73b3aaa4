"""Aggregate a cohort: our own guard, the locked engine, disclosure control. Rows never leave."""

from flip_contracts.tasks import CohortCount, CohortCountResult
from flip_trust.disclosure.policy import Policy
from flip_trust.tasks.registry import Tools


def run(payload: CohortCount, tools: Tools) -> CohortCountResult:
    policy = Policy.of(tools.policy.current)
    return tools.disclosure.under(policy).answer(payload, tools.engine.check(payload.sql))

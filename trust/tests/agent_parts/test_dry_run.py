"""What another policy would have changed, over what this trust has done."""

from uuid import uuid4

import pytest

from flip_contracts.tasks import CohortCount
from flip_trust.policy.dry_run import Rehearsal
from flip_trust.policy.reading import read_policy
from flip_trust.policy.schema import TrustPolicy


@pytest.fixture
def changes(site):
    def of(text: str) -> list[tuple[str, str, str, str]]:
        other, problems = read_policy(text, {})
        assert problems == []
        agent = site.agent
        found = Rehearsal(agent.store, agent.approvals, agent.code).of(TrustPolicy(), other, 30)
        return [(c.what, c.rule, c.was, c.would_be) for c in found.changes]

    return of


def test_the_same_policy_changes_nothing_and_each_rule_shows_what_it_would_have(site, changes):
    project = uuid4()
    for sql in ("SELECT person_id FROM omop.person", site.demo_query()):
        site.do(CohortCount(query_id=uuid4(), project_id=project, sql=sql))
    review = site.approved()
    site.do(site.join(review, limits={"wall_seconds": 7200}))

    assert changes("") == []
    refused = "refused: too few persons"
    assert changes("disclosure:\n  threshold: 20\n") == [
        ("query", "disclosure.threshold", "told", "suppressed"),
        ("decision", "disclosure.threshold", "approved", refused),
    ]
    assert changes("disclosure:\n  project_queries_per_day: 1\n") == [
        ("query", "disclosure.project_queries_per_day", "answered", "refused: the day's budget is spent")
    ]
    assert [c[:2] for c in changes("disclosure:\n  round_to: 5\n")] == [("query", "disclosure.round_to")] * 2
    ((*_, would_be),) = changes("decisions:\n  longest_days: 10\n")
    assert would_be.startswith("until ")
    assert changes("code:\n  review: manual\n") == [
        ("run", "code.review", "joined", "waits for a review of its app"),
    ]
    assert changes("runs:\n  allowed: false\n") == [("run", "runs.allowed", "joined", "refused")]
    assert changes("runs:\n  wall_seconds: 3600\n") == [("run", "runs.wall_seconds", "7200", "3600")]


def test_it_changes_nothing_itself(site, changes):
    site.approved()
    before = site.agent.store.all("SELECT * FROM decisions"), site.agent.rules.current, len(site.outbox())
    changes("runs:\n  allowed: false\n")
    after = site.agent.store.all("SELECT * FROM decisions"), site.agent.rules.current, len(site.outbox())
    assert [tuple(map(tuple, before[0])), *before[1:]] == [tuple(map(tuple, after[0])), *after[1:]]

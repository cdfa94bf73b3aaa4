"""A malicious researcher against real guard, engine and disclosure control. Whole: `python -m benchmarks.attack`."""

import pytest
from benchmarks.attack.campaign import run
from benchmarks.attack.hospital import Hospital, Naive

from flip_trust.disclosure.policy import Policy

NO_BUDGET = 10**9  # the memory is attacked, not the budget


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    policy = Policy(project_queries_per_day=NO_BUDGET, user_queries_per_day=NO_BUDGET)
    return Hospital(tmp_path_factory.mktemp("attacked"), 400, policy)


def test_an_attacker_learns_nothing_about_one_person(hospital):
    quick = ["differencing", "differencing_backwards", "small_group", "rare_value", "rare_number", "missing_value"]
    quick += ["cells_of_two_cohorts", "rows_of_one_cohort", "threshold_sweep", "id_guessing", "error_oracle"]
    found = run(hospital, 12, quick)
    assert [(one.technique, one.share) for one in found if not one.is_luck] == []
    assert hospital.outcomes["query_too_close"] > 12
    assert not {"internal", "engine_failed"} & set(hospital.outcomes)


def test_the_same_attacker_learns_it_all_from_suppression_and_rounding_alone(hospital, monkeypatch):
    monkeypatch.setattr(hospital, "defence", Naive(hospital.engine))
    (sweep,) = run(hospital, 8, ["boundary_sweep"])
    assert sweep.share == 1.0

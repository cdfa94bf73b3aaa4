"""The status machines: the bar never goes back, a terminal status stays terminal."""

from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flip_contracts.statuses import (
    RUN_TRANSITIONS,
    TERMINAL_MODEL_STATUSES,
    TERMINAL_RUN_STATES,
    ModelStatus,
    RunState,
    next_model_status,
)

BAR = [
    ModelStatus.PENDING,
    ModelStatus.INITIATED,
    ModelStatus.PREPARED,
    ModelStatus.TRAINING_STARTED,
    ModelStatus.RESULTS_UPLOADED,
]
statuses = st.sampled_from(ModelStatus)


@pytest.mark.parametrize(("current", "wanted"), list(pairwise(BAR)))
def test_the_seeds_lifecycle_goes_forward(current: ModelStatus, wanted: ModelStatus) -> None:
    assert next_model_status(current, wanted) is wanted


@pytest.mark.parametrize("failure", [ModelStatus.ERROR, ModelStatus.STOPPED])
@pytest.mark.parametrize("current", BAR[:-1])
def test_any_unfinished_model_can_fail_or_be_stopped(current: ModelStatus, failure: ModelStatus) -> None:
    assert next_model_status(current, failure) is failure


def test_training_started_after_the_training_changes_nothing() -> None:
    """The seed's minimal example reports it when strategy.start has returned; the hub knew long before."""
    assert next_model_status(ModelStatus.TRAINING_STARTED, ModelStatus.TRAINING_STARTED) == "TRAINING_STARTED"
    assert next_model_status(ModelStatus.RESULTS_UPLOADED, ModelStatus.TRAINING_STARTED) == "RESULTS_UPLOADED"


@given(statuses, statuses)
def test_a_repeat_changes_nothing(current: ModelStatus, wanted: ModelStatus) -> None:
    once = next_model_status(current, wanted)
    assert next_model_status(once, wanted) is once


@given(st.lists(statuses))
def test_the_bar_never_goes_back_and_a_terminal_status_stays(reports: list[ModelStatus]) -> None:
    current = ModelStatus.PENDING
    for wanted in reports:
        after = next_model_status(current, wanted)
        if current in TERMINAL_MODEL_STATUSES:
            assert after is current
        elif after in BAR:
            assert BAR.index(after) >= BAR.index(current)
        current = after


@given(st.permutations(BAR[:-1]), st.lists(st.sampled_from(BAR[:-1])))
def test_the_order_of_arrival_does_not_matter_before_the_end(
    order: list[ModelStatus], repeats: list[ModelStatus]
) -> None:
    assert reduce(next_model_status, [*order, *repeats], ModelStatus.PENDING) is ModelStatus.TRAINING_STARTED


def test_every_run_state_has_its_transitions_and_the_terminal_ones_have_none() -> None:
    assert set(RUN_TRANSITIONS) == set(RunState)
    assert {state for state, after in RUN_TRANSITIONS.items() if not after} == TERMINAL_RUN_STATES


def test_every_run_can_reach_every_end() -> None:
    for start in RunState:
        reached, waiting = {start}, [start]
        while waiting:
            for after in RUN_TRANSITIONS[waiting.pop()] - reached:
                reached.add(after)
                waiting.append(after)
        assert start in TERMINAL_RUN_STATES or reached >= TERMINAL_RUN_STATES

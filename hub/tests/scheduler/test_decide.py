"""`decide` case by case, and as a property: whatever happens, a run comes to an end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flip_contracts.statuses import RunReason, RunState, RunTrustState
from flip_hub.scheduler.decide import (
    ABORTED,
    STOP_TOO_SLOW,
    Close,
    Finalise,
    Finish,
    Limits,
    PartView,
    Prepare,
    Register,
    Release,
    RunView,
    Start,
    StopOnNet,
    decide,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Limits(
    join=timedelta(seconds=60), no_progress=timedelta(hours=1), net_lost=timedelta(minutes=3), stop=timedelta(minutes=2)
)
S = RunTrustState


def run(state: RunState, *parts: PartView, **changes) -> RunView:
    base = RunView(
        id=UUID(int=1),
        state=state,
        parts=parts or (PartView("alpha", S.ASKED, True),),
        slot_free=True,
        prepared=True,
        stop_requested=None,
        finished_on_net=None,
        closed=False,
        starting_at=NOW,
        running_at=NOW,
        progress_at=NOW,
        stopping_at=None,
        net_seen_at=NOW,
    )
    return replace(base, **changes)


def part(state: S, approved: bool = True, trust: str = "alpha") -> PartView:
    return PartView(trust, state, approved)


LATE = NOW - timedelta(days=1)
CASES = [
    ("queued with a slot", run(RunState.QUEUED), [Prepare()]),
    ("queued without a slot", run(RunState.QUEUED, slot_free=False), []),
    ("starting, not yet prepared", run(RunState.STARTING, prepared=False), [Prepare()]),
    ("joined is registered", run(RunState.STARTING, part(S.JOINED)), [Register("alpha")]),
    ("all online", run(RunState.STARTING, part(S.ONLINE)), [Start()]),
    ("one still missing", run(RunState.STARTING, part(S.ONLINE), part(S.REGISTERED, trust="beta")), []),
    (
        "late, one online",
        run(RunState.STARTING, part(S.ONLINE), part(S.ASKED, trust="beta"), starting_at=LATE),
        [Start()],
    ),
    ("a refused trust is not waited for", run(RunState.STARTING, part(S.ONLINE), part(S.REFUSED)), [Start()]),
    ("running quietly", run(RunState.RUNNING, part(S.ONLINE)), []),
    (
        "running, one is back with a new key",
        run(RunState.RUNNING, part(S.ONLINE), part(S.JOINED, trust="beta")),
        [Register("beta")],
    ),
    ("told by the net", run(RunState.RUNNING, part(S.ONLINE), finished_on_net={"outcome": "x"}), [Finalise()]),
    (
        "withdrawn, one left",
        run(RunState.RUNNING, part(S.ONLINE), part(S.ONLINE, False, "beta")),
        [Release("beta", "the approval was withdrawn or has ended")],
    ),
    (
        "stop asked",
        run(RunState.RUNNING, part(S.ONLINE), stop_requested=RunReason.STOPPED_BY_USER),
        [StopOnNet(RunReason.STOPPED_BY_USER)],
    ),
    (
        "stop asked, net too slow",
        run(RunState.RUNNING, stop_requested=RunReason.STOPPED_BY_USER, stopping_at=LATE),
        [Finish(RunState.STOPPED, RunReason.STOPPED_BY_USER, STOP_TOO_SLOW)],
    ),
    ("aborted", run(RunState.RUNNING, stop_requested=RunReason.ABORTED_BY_USER), [ABORTED]),
    ("too long", run(RunState.RUNNING, running_at=LATE, run=timedelta(hours=1)), [StopOnNet(RunReason.TIME_LIMIT)]),
    (
        "one of two required is left",
        run(RunState.RUNNING, part(S.ONLINE), part(S.LOST, trust="beta"), min_trusts=2),
        [StopOnNet(RunReason.TOO_FEW_TRUSTS)],
    ),
    (
        "late, its own patience is longer",
        run(RunState.STARTING, part(S.ONLINE), part(S.JOINED), starting_at=LATE, join=timedelta(days=2)),
        [Register("alpha")],
    ),
    ("no progress", run(RunState.RUNNING, part(S.ONLINE), progress_at=LATE), [StopOnNet(RunReason.NO_PROGRESS)]),
    ("ended, to close", run(RunState.FAILED), [Close()]),
    ("ended and closed", run(RunState.FAILED, closed=True), []),
]


@pytest.mark.parametrize(("name", "view", "expected"), CASES, ids=[c[0] for c in CASES])
def test_each_case(name, view, expected):
    assert decide(view, NOW, LIMITS) == expected


def test_nobody_online_in_time_fails_with_each_trusts_reason():
    (finish,) = decide(run(RunState.STARTING, part(S.ASKED), starting_at=LATE), NOW, LIMITS)
    assert isinstance(finish, Finish)
    assert finish.reason == RunReason.NO_TRUST_JOINED
    assert "alpha: asked" in finish.text


def test_a_silent_net_fails_the_run():
    (finish,) = decide(run(RunState.RUNNING, part(S.ONLINE), net_seen_at=LATE), NOW, LIMITS)
    assert finish.reason == RunReason.NET_UNAVAILABLE


VIEWS = st.builds(
    run,
    st.sampled_from([RunState.QUEUED, RunState.STARTING, RunState.RUNNING]),
    st.builds(part, st.sampled_from(list(S)), st.booleans()),
    st.builds(part, st.sampled_from(list(S)), st.booleans(), st.just("beta")),
    prepared=st.booleans(),
    min_trusts=st.integers(1, 3),
    stopping_at=st.sampled_from([None, NOW]),
    stop_requested=st.sampled_from([None, RunReason.STOPPED_BY_USER]),
    finished_on_net=st.sampled_from([None, {"outcome": "failed"}]),
)


@given(VIEWS)
def test_long_after_every_limit_something_always_happens(view):
    """No state is a trap: with all clocks run out and a slot free, there is an action that moves the run on."""
    late = replace(view, starting_at=LATE, progress_at=LATE, net_seen_at=LATE)
    assert decide(late, NOW, LIMITS)


@given(VIEWS)
def test_nothing_starts_without_an_approved_trust(view):
    actions = decide(view, NOW, LIMITS)
    if any(isinstance(a, Start) for a in actions):
        assert sum(p.approved and p.state == S.ONLINE for p in view.parts) >= view.min_trusts


def test_too_few_online_in_time_fails_and_says_how_many_were_needed():
    parts = (part(S.ONLINE), part(S.ASKED, trust="beta"))
    (finish,) = decide(run(RunState.STARTING, *parts, starting_at=LATE, min_trusts=2), NOW, LIMITS)
    assert isinstance(finish, Finish)
    assert finish.reason == RunReason.TOO_FEW_TRUSTS
    assert "needs 2 trusts, and 1 came online in time" in finish.text

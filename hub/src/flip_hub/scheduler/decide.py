"""What to do next for one run. Pure: no clock, no database, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from flip_contracts.statuses import RunReason, RunState, RunTrustState

LIVE = frozenset(
    {
        RunTrustState.ASKED,
        RunTrustState.CODE_REVIEW,
        RunTrustState.JOINED,
        RunTrustState.REGISTERED,
        RunTrustState.ONLINE,
    }
)


@dataclass(frozen=True)
class PartView:
    """One trust's part. `approved` is its decision as it stands now."""

    trust: str
    state: RunTrustState
    approved: bool
    reason: str = ""


@dataclass(frozen=True)
class RunView:
    id: UUID
    state: RunState
    parts: Sequence[PartView]
    slot_free: bool  # of its net, for this run, in the order of the queue
    prepared: bool
    stop_requested: RunReason | None
    finished_on_net: dict[str, Any] | None
    closed: bool
    starting_at: datetime | None
    running_at: datetime | None
    progress_at: datetime | None
    stopping_at: datetime | None  # since when the net has been asked to stop it
    net_seen_at: datetime | None
    min_trusts: int = 1
    join: timedelta | None = None  # the run's own limits, where its owner set some
    run: timedelta | None = None
    no_progress: timedelta | None = None


@dataclass(frozen=True)
class Limits:
    join: timedelta
    no_progress: timedelta
    net_lost: timedelta
    stop: timedelta
    code_review: timedelta = timedelta(days=1)


@dataclass(frozen=True)
class Prepare:
    """Give the net the app, ask the trusts to join."""


@dataclass(frozen=True)
class Register:
    """Tell the SuperLink this trust's key, then let the trust start its SuperNode."""

    trust: str


@dataclass(frozen=True)
class Release:
    """This trust is no longer part of the run: its SuperNode ends."""

    trust: str
    reason: str


@dataclass(frozen=True)
class Start:
    """Start the run with the trusts that are online; the others are left out."""


@dataclass(frozen=True)
class StopOnNet:
    reason: RunReason


@dataclass(frozen=True)
class Finish:
    """The run ends without word from the net."""

    state: RunState
    reason: RunReason
    text: str


@dataclass(frozen=True)
class Finalise:
    """The net has told how it ended: fetch the results, set the statuses."""


@dataclass(frozen=True)
class Close:
    """Tell trusts to leave, let the net forget the run."""


Action = Prepare | Register | Release | Start | StopOnNet | Finish | Finalise | Close


def decide(run: RunView, now: datetime, limits: Limits) -> list[Action]:
    match run.state:
        case RunState.QUEUED:
            return _queued(run)
        case RunState.STARTING:
            return _starting(run, now, limits)
        case RunState.RUNNING:
            return _running(run, now, limits)
        case RunState.SUCCEEDED | RunState.FAILED | RunState.STOPPED:
            return [] if run.closed else [Close()]
        case never:
            assert_never(never)


NET_GONE = Finish(
    RunState.FAILED,
    RunReason.NET_UNAVAILABLE,
    "The net has not answered for a long time. Initiate the training again when it is back.",
)


ABORTED = Finish(RunState.STOPPED, RunReason.ABORTED_BY_USER, "Aborted by a user; results so far were not collected.")
STOP_TOO_SLOW = "The net did not end the run in time after it was asked to stop; results so far were not collected."


def _net_lost(run: RunView, now: datetime, limits: Limits) -> bool:
    return run.net_seen_at is None or now - run.net_seen_at > limits.net_lost


def _withdrawn(run: RunView) -> list[Action]:
    return [Release(p.trust, "the approval was withdrawn or has ended") for p in run.parts if _gone(p)]


def _gone(part: PartView) -> bool:
    return part.state in LIVE and not part.approved


def _live(run: RunView) -> list[PartView]:
    return [p for p in run.parts if p.state in LIVE and p.approved]


def _nobody(run: RunView) -> Finish:
    why = "; ".join(f"{p.trust}: {p.reason or p.state}" for p in run.parts) or "no trust was asked"
    return Finish(RunState.FAILED, RunReason.NO_TRUST_JOINED, f"No trust took part. {why}")


def _too_few(run: RunView, there: int, what: str) -> Finish:
    if there == 0:
        return _nobody(run)
    why = "; ".join(f"{p.trust}: {p.reason or p.state}" for p in run.parts)
    text = f"The run needs {run.min_trusts} trusts, and {there} {what}. {why}"
    return Finish(RunState.FAILED, RunReason.TOO_FEW_TRUSTS, text)


def _queued(run: RunView) -> list[Action]:
    if run.stop_requested:
        return [Finish(RunState.STOPPED, run.stop_requested, "Stopped before it had started.")]
    live = _live(run)
    if len(live) < run.min_trusts:
        return [*_withdrawn(run), _too_few(run, len(live), "may take part")]
    return [Prepare()] if run.slot_free else []


def _starting(run: RunView, now: datetime, limits: Limits) -> list[Action]:
    if run.stop_requested:
        return [Finish(RunState.STOPPED, run.stop_requested, "Stopped before it had started.")]
    if _net_lost(run, now, limits):
        return [NET_GONE]
    if run.finished_on_net:
        return [Finalise()]
    live = _live(run)
    if len(live) < run.min_trusts:
        return [*_withdrawn(run), _too_few(run, len(live), "may take part")]
    if not run.prepared:
        return [Prepare()]
    actions: list[Action] = _withdrawn(run)
    online = [p for p in live if p.state == RunTrustState.ONLINE]
    if len(online) == len(live):
        return [*actions, Start()]
    if run.starting_at and now - run.starting_at > (run.join or limits.join):
        enough = len(online) >= run.min_trusts
        reviews = sum(p.state == RunTrustState.CODE_REVIEW for p in live)
        if not enough and len(online) + reviews >= run.min_trusts and now - run.starting_at <= limits.code_review:
            return actions  # people are looking at the app; that takes longer than a machine
        return [*actions, Start() if enough else _too_few(run, len(online), "came online in time")]
    return [*actions, *(Register(p.trust) for p in live if p.state == RunTrustState.JOINED)]


def _running(run: RunView, now: datetime, limits: Limits) -> list[Action]:
    if _net_lost(run, now, limits):
        return [NET_GONE]
    if run.finished_on_net:
        return [Finalise()]
    if run.stop_requested == RunReason.ABORTED_BY_USER:
        return [ABORTED]
    if run.stop_requested:
        if run.stopping_at and now - run.stopping_at > limits.stop:
            return [Finish(RunState.STOPPED, run.stop_requested, STOP_TOO_SLOW)]
        return [StopOnNet(run.stop_requested)]
    withdrawn, live = _withdrawn(run), _live(run)
    if not live:
        return [*withdrawn, StopOnNet(RunReason.APPROVAL_WITHDRAWN)]
    if len(live) < run.min_trusts:
        return [*withdrawn, StopOnNet(RunReason.TOO_FEW_TRUSTS)]
    if run.run and run.running_at and now - run.running_at > run.run:
        return [*withdrawn, StopOnNet(RunReason.TIME_LIMIT)]
    if run.progress_at and now - run.progress_at > (run.no_progress or limits.no_progress):
        return [*withdrawn, StopOnNet(RunReason.NO_PROGRESS)]
    back = [Register(p.trust) for p in live if p.state == RunTrustState.JOINED]  # lost, and here again with a new key
    return [*withdrawn, *back]

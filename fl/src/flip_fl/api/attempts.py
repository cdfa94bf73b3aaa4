"""What becomes of a run after a crash. Pure: no clock, no disk, no network."""

from dataclasses import dataclass

from flip_contracts.fl_api import OnCrash
from flip_fl.control import FlowerStatus
from flip_fl.store import RunRow

MOST_CRASHES = 3  # in a row without a finished round: the fourth would end the same
NO_HEARTBEAT = "No heartbeat received from the task"  # flwr: its process is gone, and nobody said so


@dataclass(frozen=True)
class Again:
    """Another attempt: the rounds up to `after_round` stand. `anew`: whatever is left of the last one goes first."""

    after_round: int
    anew: bool


@dataclass(frozen=True)
class GiveUp:
    text: str


def crash_of(run: RunRow, status: FlowerStatus, seen: str) -> str:
    """What crashed, in words, or nothing if the run ended by itself. `seen`: what the executor saw of its process."""
    if run.stop_requested or (status.sub_status in ("completed", "stopped") and not seen):
        return ""
    if run.failure and run.failure["reason"] == "superlink_lost":
        return f"The ServerApp lost the SuperLink ({run.failure['text']})."
    if run.failure:
        return ""
    return seen or ("The ServerApp's process was lost." if NO_HEARTBEAT in status.details else "")


def after_crash(run: RunRow, why: str) -> Again | GiveUp:
    choice = OnCrash(run.spec.get("on_crash", OnCrash.RESUME))
    if choice is OnCrash.FAIL:
        return GiveUp(f"{why} This run was to fail then (`on_crash: fail`). What it had so far is in its results.")
    if run.crashes >= MOST_CRASHES:
        times = f"{run.crashes + 1} times in a row without a finished round in between"
        return GiveUp(f"{why} That was so {times}, so it was not tried again. The run's log has its last words.")
    if choice is OnCrash.RESTART:
        return Again(0, anew=True)
    if run.resumable is False:
        remedy = "Initiate the training again; with `on_crash: restart` such an app begins anew by itself."
        return GiveUp(f"{why} This app cannot be resumed, since {run.why_not}. {remedy}")
    return Again(run.after_round, anew=not run.kept)

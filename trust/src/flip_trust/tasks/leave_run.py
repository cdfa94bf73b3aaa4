"""The run is over for us: its SuperNode ends, its folder is deleted, its token is worth nothing."""

from flip_contracts.tasks import Empty, LeaveRun
from flip_trust.tasks.registry import Tools


def run(payload: LeaveRun, tools: Tools) -> Empty:
    if tools.store.run(payload.run_id) is not None:
        tools.supervisor.leave(payload.run_id)
    return Empty()

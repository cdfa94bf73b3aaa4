"""The hub no longer asks about this project: it leaves the staff's list, runs of it end, its cohort is forgotten."""

from flip_contracts.tasks import CloseProject, Empty
from flip_trust.tasks.registry import Tools


def run(payload: CloseProject, tools: Tools) -> Empty:
    tools.store.close_project(payload.project_id)
    return Empty()

"""Put a staged project in front of the trust's own staff."""

from flip_contracts.tasks import Empty, ReviewProject
from flip_trust.tasks.registry import Tools


def run(payload: ReviewProject, tools: Tools) -> Empty:
    tools.store.put_review(payload)
    return Empty()

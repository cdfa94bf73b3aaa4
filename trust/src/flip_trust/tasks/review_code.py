"""Fetch an app by its hash, verify that, check it ourselves, and put it in front of the trust's own staff."""

from flip_contracts.tasks import Empty, ReviewCode
from flip_trust.errors import CodeNotAsAnnounced, HubRefused, HubUnreachable, ProjectUnknown
from flip_trust.tasks.registry import Tools


def run(payload: ReviewCode, tools: Tools) -> Empty:
    if tools.store.project(payload.project_id) is None:
        raise ProjectUnknown("This trust was not asked about such a project.")
    if not tools.code.has(payload):
        try:
            fab = tools.fetch_fab(payload.fab_sha256)
        except (HubUnreachable, HubRefused):
            raise CodeNotAsAnnounced(
                "The hub announced an app for review and does not give it. Start the run again."
            ) from None
        tools.code.put(payload, fab)
    return Empty()

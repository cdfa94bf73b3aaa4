"""The SuperLink knows our key: start the SuperNode, if the approval still holds."""

from flip_contracts.tasks import Empty, StartNode
from flip_trust.errors import RunUnknown
from flip_trust.tasks.registry import Tools


def run(payload: StartNode, tools: Tools) -> Empty:
    joined = tools.store.run(payload.run_id)
    if joined is None or joined.ended:
        raise RunUnknown("This trust has not joined such a run, or has left it.")
    tools.authority.demand(joined.manifest)
    if why := tools.authority.why_not_any_more(joined):
        raise why
    tools.supervisor.start(tools.authority.limited(joined.manifest))
    return Empty()

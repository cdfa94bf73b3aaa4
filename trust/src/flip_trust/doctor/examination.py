"""Every check of this node, side by side."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from flip_trust.doctor import data, flower, machine
from flip_trust.doctor.finding import Finding, fine, wrong
from flip_trust.doctor.way import Way, walk

if TYPE_CHECKING:
    from flip_trust.agent import Agent


def way_of(agent: "Agent") -> Way:
    return Way(agent.settings.hub_url, agent.settings.hub_ca_file, agent.settings.hub_proxy)


def examine(agent: "Agent") -> Iterator[Finding]:
    """They run side by side: they wait more than they work. In a fixed order, each as soon as it is there."""
    checks: list[Callable[[Agent], Finding | list[Finding] | None]] = [
        flower.enrolled,
        lambda a: list(walk(way_of(a))),
        flower.known,
        data.omop,
        data.role,
        data.pacs,
        machine.flower_environment,
        machine.sandbox,
        machine.disk,
        machine.text_in_pixels,
        _outbox,
        machine.software,
    ]
    with ThreadPoolExecutor(len(checks), "doctor") as pool:
        for answer in [pool.submit(check, agent) for check in checks]:
            found = answer.result()
            yield from found if isinstance(found, list) else [found] if found else []


def _outbox(agent: "Agent") -> Finding:
    if not agent.store.dead_letters():
        return fine("messages", "the hub has refused none")
    return wrong(
        "messages", "the hub has refused some", "The agent's log names them; update the agent, or tell the hub"
    )

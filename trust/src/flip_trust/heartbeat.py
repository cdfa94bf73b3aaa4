"""What the hub is told of this node's health every quarter of a minute: words and versions, never a count or a name."""

from typing import TYPE_CHECKING

from flip_contracts.messages import HeartbeatRequest
from flip_contracts.wire import PROTOCOL_VERSION
from flip_trust.doctor.machine import has_room, versions
from flip_trust.version import AGENT_VERSION

if TYPE_CHECKING:
    from flip_trust.agent import Agent


def heartbeat(agent: "Agent") -> HeartbeatRequest:
    """`components` of `flip_contracts.messages`: cheap looks only, so that it can be said often."""
    waits_for = [code for code, _ in agent.ledger.waiting().values()]
    components = {
        "omop": "ok" if agent.engine.is_there() else "missing",
        "pacs": _pacs(agent, waits_for),
        "images": next(iter(waits_for), "ok"),
        "disk": "ok" if has_room(agent.settings.data_dir) else "low",
        "outbox": "refused" if agent.store.dead_letters() else "ok",
    }
    return HeartbeatRequest(
        agent_version=AGENT_VERSION,
        protocol_version=PROTOCOL_VERSION,
        components=components | agent.supervisor.sandbox.components() | agent.rules.components(),
        versions=versions(agent),
    )


def _pacs(agent: "Agent", waits_for: list[str]) -> str:
    """Without asking it: what the images wait for says how it is."""
    if (folder := agent.settings.dicom_dir) is not None and not folder.is_dir():
        return "missing"
    return next((code for code in waits_for if code.startswith("pacs_")), "ok")

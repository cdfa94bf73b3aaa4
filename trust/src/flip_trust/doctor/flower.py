"""Whether runs can reach Flower: every net's Fleet API, over TLS with the CA that the hub names for it."""

import socket
import ssl
from typing import TYPE_CHECKING, Final

from flip_contracts.manifest import Net
from flip_trust.doctor.finding import Finding, fine, wrong
from flip_trust.errors import HubRefused, HubUnreachable
from flip_trust.hub_client import HubClient

if TYPE_CHECKING:
    from flip_trust.agent import Agent


PATIENCE_SECONDS: Final = 5.0


def enrolled(agent: "Agent") -> Finding:
    name = agent.store.identity().get("name")
    if name is None:
        remedy = "Ask the hub's admin for a code, then `flip-trust enrol CODE --hub URL`"
        return wrong("enrolled", "this trust is not enrolled yet", remedy)
    return fine("enrolled", f"as {name}")


def known(agent: "Agent") -> list[Finding]:
    """Whether the hub takes this trust's token, and whether the nets that it names are within reach."""
    if "token" not in agent.store.identity():
        return []
    try:
        nets = HubClient.of(agent.settings, agent.store).nets()
    except HubUnreachable:
        return []  # the way to the hub says why
    except HubRefused as refusal:
        if refusal.status == 404:
            return [fine("Flower", "the hub is of an older version and does not name its nets")]
        told = f"the hub does not take this trust's token ({refusal.code})"
        remedy = "If it was revoked or enrolled anew elsewhere, ask the hub's admin for a new code and enrol again"
        return [wrong("token", told, remedy)]
    return [fine("token", "the hub knows this trust"), *map(reachable, nets)]


def reachable(net: Net) -> Finding:
    name, place = "Flower", net.superlink
    host, _, port = place.rpartition(":")
    host = host.strip("[]")
    try:
        context = ssl.create_default_context(cadata=net.ca_pem)
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection((host, int(port)), PATIENCE_SECONDS) as opened,
            context.wrap_socket(opened, server_hostname=host),
        ):
            return fine(name, f"the SuperLink at {place} answers over TLS")
    except ssl.SSLCertVerificationError as error:
        told = f"the certificate at {place} is not the one that the hub names ({error.verify_message})"
        return wrong(name, told, "Ask the hub's admin, and whether your network inspects traffic on the way there")
    except (OSError, ValueError, ssl.SSLError):
        remedy = f"Ask for outbound TCP to {place}; no run can start here before that"
        return wrong(name, f"the SuperLink at {place} does not answer", remedy)

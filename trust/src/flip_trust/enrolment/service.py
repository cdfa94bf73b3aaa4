"""Enrolment, step by step. Nothing is kept and no code is spent before the way to the hub is open."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flip_contracts.messages import EnrolRequest, HeartbeatRequest
from flip_contracts.wire import PROTOCOL_VERSION
from flip_trust.doctor.finding import Finding, fine, wrong
from flip_trust.doctor.way import Way, walk
from flip_trust.enrolment.config import written
from flip_trust.errors import HubRefused, HubUnreachable
from flip_trust.hub_client import HubClient
from flip_trust.keys import TrustKey, write_private
from flip_trust.settings import NodeSettings
from flip_trust.store import Store
from flip_trust.version import AGENT_VERSION


def enrol(settings: NodeSettings, code: str, config: Path | None, given: Mapping[str, Any]) -> Iterator[Finding]:
    """Each step as it is done; the last one is not fine if it went no further.

    `config`: where to write the config file with what was `given`; None where the environment has the settings.
    """
    yield (state := _writable("data folder", settings.data_dir, "--data-dir DIR"))
    if not state.fine:
        return
    if config is not None and not config.exists():
        yield (state := _writable("config folder", config.parent, "--config FILE"))
        if not state.fine:
            return
    for step in walk(Way(settings.hub_url, settings.hub_ca_file, settings.hub_proxy)):
        yield step
        if not step.fine:
            return
    key = TrustKey(settings.data_dir / "keys" / "trust.pem")
    yield fine("key", "made here; its private half never leaves")
    store = Store(settings.data_dir / "agent.db")
    try:
        yield (state := _enrolled(settings, store, key, code))
        if state.fine:
            if config is not None:
                yield _configured(config, given)
            yield _connected(settings, store)
    finally:
        store.close()


def _enrolled(settings: NodeSettings, store: Store, key: TrustKey, code: str) -> Finding:
    request = EnrolRequest(
        code=code, public_key=key.public, agent_version=AGENT_VERSION, protocol_version=PROTOCOL_VERSION
    )
    try:
        made = HubClient(settings).enrol(request)
    except HubRefused as refusal:
        return wrong("enrolled", f"{refusal.code}: {refusal.message.rstrip('.')}", "")
    except HubUnreachable:
        remedy = "Try again; if the code is then unknown, it was used and its answer lost: ask for a new one"
        return wrong("enrolled", f"{settings.hub_url} did not answer to the code", remedy)
    store.set_identity(
        name=made.name, trust_id=str(made.trust_id), token=made.token, hub_public_key=made.hub_public_key
    )
    return fine("enrolled", f"as {made.name}")


def _connected(settings: NodeSettings, store: Store) -> Finding:
    hello = HeartbeatRequest(agent_version=AGENT_VERSION, protocol_version=PROTOCOL_VERSION)
    try:
        HubClient.of(settings, store).heartbeat(hello)
    except (HubRefused, HubUnreachable) as error:
        return wrong("connected", f"the hub does not answer now ({error})", "`flip-trust doctor` tries again")
    return fine("connected", "the hub sees this trust")


def _writable(name: str, folder: Path, option: str) -> Finding:
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        return wrong(name, f"{folder} cannot be made ({error.strerror})", f"Choose another by {option}, or run as root")
    if not os.access(folder, os.W_OK | os.X_OK):
        return wrong(name, f"{folder} cannot be written to", f"Choose another by {option}, or run as root")
    return fine(name, str(folder))


def _configured(config: Path, given: Mapping[str, Any]) -> Finding:
    if config.exists():
        return fine("config file", f"{config} is kept as it is")
    write_private(config, written(given).encode())  # it may hold the database's password
    return fine("config file", f"{config}, every setting explained")

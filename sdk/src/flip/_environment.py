"""Where this process runs: as ServerApp on the hub, as ClientApp at a trust, or on your machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from flip import protocol
from flip.errors import NotAvailableHere, PlatformUnavailable


class Mode(Enum):
    SERVER = protocol.MODE_SERVER
    CLIENT = protocol.MODE_CLIENT
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A run's local API and the run-scoped token for it."""

    url: str
    run_token: str


@dataclass(frozen=True, slots=True)
class Environment:
    mode: Mode
    endpoint: Endpoint | None
    results_dir: Path | None

    def platform(self) -> Endpoint:
        if self.endpoint is None:
            raise NotAvailableHere("There is no platform in local mode.")
        return self.endpoint


def current_environment() -> Environment:
    """Read afresh at each call: constructing `FLIP` touches nothing; local runs change it in between."""
    name = os.environ.get(protocol.ENV_MODE, "")
    if not name:
        return Environment(Mode.LOCAL, None, None)
    if name not in (protocol.MODE_SERVER, protocol.MODE_CLIENT):
        raise PlatformUnavailable(
            f"{protocol.ENV_MODE} is set to an unknown value. Unset it for local development; "
            "on the platform it is 'server' or 'client'.",
            code="invalid_environment",
        )
    url, token = os.environ.get(protocol.ENV_URL), os.environ.get(protocol.ENV_RUN_TOKEN)
    if not url or not token:
        raise PlatformUnavailable(
            f"{protocol.ENV_MODE} is set, but {protocol.ENV_URL} or {protocol.ENV_RUN_TOKEN} is not. "
            f"Unset {protocol.ENV_MODE} for local development.",
            code="invalid_environment",
        )
    results = os.environ.get(protocol.ENV_RESULTS_DIR)
    return Environment(Mode(name), Endpoint(url.rstrip("/"), token), Path(results) if results else None)

"""What the calls of the SDK share: ids, paths, and which side may ask what."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from flip import protocol
from flip._environment import Environment, Mode
from flip.errors import NotAvailableHere, PlatformUnavailable

_T = TypeVar("_T")


def now() -> str:
    return datetime.now(UTC).isoformat()


def model_id_of(given: str | None) -> str:
    return given or os.environ.get(protocol.ENV_MODEL_ID, "")


def project_id_of(given: str | None) -> str:
    return given or os.environ.get(protocol.ENV_PROJECT_ID, "")


def path_of(env: Environment, what: str) -> str:
    prefix = protocol.RELAY_PREFIX if env.mode is Mode.SERVER else protocol.DATA_PREFIX
    return f"{prefix}/{what}"


def refuse_server(env: Environment, call: str) -> None:
    if env.mode is Mode.SERVER:
        raise NotAvailableHere(
            f"{call} belongs in the ClientApp: the ServerApp runs at the hub, which has no patient data."
        )


def parsed(reader: Callable[[Any], _T], answer: Any) -> _T:
    try:
        return reader(answer)
    except (KeyError, TypeError, ValueError):  # nothing of the body is repeated: it may hold patient values
        raise PlatformUnavailable(
            "The platform's local service answered in a form that this SDK does not know. Update flip-utils.",
            code="unexpected_answer",
        ) from None

"""Base classes of every message, and the canonical bytes that are signed."""

import json
import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

PROTOCOL_VERSION: Final = 1
TRUST_NAME_PATTERN: Final = re.compile(r"^[a-z][a-z0-9-]{1,62}$")

TrustName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]


class Wire(BaseModel):
    """A message that another version of us may have written: unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Problem(Wire):
    """RFC 9457-like error body, the same at hub, FL API and trust data API."""

    code: Code
    message: str
    details: dict[str, Any] = {}
    request_id: str = ""


def canonical_bytes(message: BaseModel) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces: what Ed25519 signs and verifies (RFC 8785 in spirit).

    Fields at their default are left out, so that a field of a later version does not break an older one's signature.
    """
    body = message.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

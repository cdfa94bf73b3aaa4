"""The run manifest: what a hub asks a trust to take part in, signed; the trust checks it before anything starts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from flip_contracts.content import StagedFile
from flip_contracts.wire import Sha256, TrustName, Wire


class Net(Wire):
    """Where the trust's SuperNode dials: the Fleet API of one SuperLink."""

    superlink: str  # host:port
    ca_pem: str


class Limits(Wire):
    """What the app may use at a trust. A trust's own policy can only lower these."""

    wall_seconds: Annotated[int, Field(ge=1)] = 6 * 3600
    memory_bytes: Annotated[int, Field(ge=1)] = 8 * 2**30
    processes: Annotated[int, Field(ge=1)] = 256


class RunManifest(Wire):
    """`files`: what the app's ClientApps read beside the FAB; each is fetched from the hub and checked by its hash."""

    run_id: UUID
    project_id: UUID
    model_id: UUID
    model_name: str
    query_id: UUID
    fab_sha256: Sha256
    trusts: list[TrustName]
    net: Net
    limits: Limits = Limits()
    files: list[StagedFile] = []
    issued_at: datetime


class SignedManifest(Wire):
    """`signature`: base64 Ed25519 over `canonical_bytes(manifest)`, by the hub's key given at enrolment."""

    manifest: RunManifest
    signature: str

"""Trusts for people (`/api/v1/trusts`) and the API that trusts themselves call (`/api/trust/v1`)."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from flip_contracts.manifest import Net
from flip_contracts.messages import (
    EnrolRequest,
    EnrolResponse,
    HeartbeatRequest,
    MessageBatch,
    MessageReceipt,
    Nets,
    RotateRequest,
    RotateResponse,
)
from flip_contracts.tasks import ClaimRequest, ClaimResponse, Task
from flip_hub.auth import Bearer, CurrentTrust, CurrentUser, TrustManager, trust_of_token
from flip_hub.db import Database, ReadSession, WriteSession, now
from flip_hub.errors import FieldInvalid, NotFound, errors
from flip_hub.nets import service as service_of_nets
from flip_hub.runs.code_reviews import FabUnknown, ensure_asked, key_of
from flip_hub.trusts import enrolment, service
from flip_hub.trusts.tables import Trust

router = APIRouter(prefix="/trusts", tags=["trusts"])
agent_router = APIRouter(tags=["trust API"])
LONGEST_WAIT_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 5.0  # an expired lease is not notified


class TrustCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=100)]


class TrustRead(BaseModel):
    """`connection`: never (not enrolled yet), online, offline or revoked. `components`: health by name, `ok` or what
    is wrong (`omop`, `pacs`: missing; `disk`: low; `outbox`: refused; `sandbox`: its level); `versions`: by name of
    software (`agent`, `python`, `flower`, …); both as the trust told them last."""

    id: UUID
    name: str
    connection: str
    enrolled: bool
    online: bool
    created_at: datetime
    enrolled_at: datetime | None
    revoked_at: datetime | None
    last_seen_at: datetime | None
    code_expires_at: datetime | None
    agent_version: str
    components: dict[str, str]
    versions: dict[str, str]


class TrustCreated(BaseModel):
    """`enrolment_code` is shown this once and works once, for 24 hours."""

    trust: TrustRead
    enrolment_code: str


def _read(trust: Trust, request: Request) -> TrustRead:
    online = service.is_online(trust, timedelta(seconds=request.app.state.settings.trust_offline_seconds))
    enrolled = trust.enrolled_at is not None
    return TrustRead(
        id=trust.id,
        name=trust.name,
        connection="revoked" if trust.revoked_at else "online" if online else "offline" if enrolled else "never",
        enrolled=enrolled and trust.revoked_at is None,
        online=online,
        created_at=trust.created_at,
        enrolled_at=trust.enrolled_at,
        revoked_at=trust.revoked_at,
        last_seen_at=trust.last_seen_at,
        code_expires_at=trust.code_expires_at,
        agent_version=trust.agent_version,
        components=trust.components,
        versions=trust.versions,
    )


def _known(session: Session, trust_id: UUID) -> Trust:
    trust = session.get(Trust, trust_id, with_for_update=True)
    if trust is None:
        raise NotFound
    return trust


@router.post("", status_code=201, responses=errors(enrolment.TrustNameTaken, FieldInvalid))
def create_trust(body: TrustCreate, admin: TrustManager, session: WriteSession, request: Request) -> TrustCreated:
    trust, code = enrolment.create_trust(session, str(admin.id), body.name)
    return TrustCreated(trust=_read(trust, request), enrolment_code=code)


@router.get("")
def list_trusts(user: CurrentUser, session: ReadSession, request: Request) -> list[TrustRead]:
    """Every trust and whether it is connected, for everybody with an account."""
    return [_read(trust, request) for trust in session.scalars(select(Trust).order_by(Trust.name))]


@router.get("/{trust_id}")
def get_trust(trust_id: UUID, user: CurrentUser, session: ReadSession, request: Request) -> TrustRead:
    trust = session.get(Trust, trust_id)
    if trust is None:
        raise NotFound
    return _read(trust, request)


@router.post("/{trust_id}/enrolment-code", status_code=201)
def issue_enrolment_code(trust_id: UUID, admin: TrustManager, session: WriteSession, request: Request) -> TrustCreated:
    """A new one-time code: for a lost code or key, or to let a revoked trust in again. A code from before is void."""
    trust = _known(session, trust_id)
    code = enrolment.issue_code(session, str(admin.id), trust)
    return TrustCreated(trust=_read(trust, request), enrolment_code=code)


@router.post("/{trust_id}/revoke", responses=errors(enrolment.TrustAlreadyRevoked))
def revoke_trust(trust_id: UUID, admin: TrustManager, session: WriteSession, request: Request) -> TrustRead:
    """Its token is dead at once, its approvals count no more, and runs go on without it."""
    trust = _known(session, trust_id)
    enrolment.revoke(session, str(admin.id), trust)
    return _read(trust, request)


@agent_router.post(
    "/enrol", responses=errors(enrolment.EnrolmentCodeInvalid, enrolment.AgentTooOld, enrolment.PublicKeyInvalid)
)
def enrol(body: EnrolRequest, session: WriteSession, request: Request) -> EnrolResponse:
    trust, token = enrolment.enrol(session, body)
    hub_key = request.app.state.signing_key.public
    return EnrolResponse(trust_id=trust.id, name=trust.name, token=token, hub_public_key=hub_key)


@agent_router.post("/rotate", responses=errors(enrolment.PublicKeyInvalid, enrolment.RotationInvalid))
def rotate(body: RotateRequest, trust: CurrentTrust, session: WriteSession) -> RotateResponse:
    """A new token, and a new public key if the request brings one."""
    return RotateResponse(token=enrolment.rotate(session, trust, body))


@agent_router.get("/nets")
def list_nets(trust: CurrentTrust, session: ReadSession, request: Request) -> Nets:
    """Where this trust's SuperNodes will dial, so that it can try the way before a run needs it."""
    known = [net for net in request.app.state.settings.nets if net.ca_file.is_file()]
    told = [Net(superlink=net.superlink, ca_pem=net.ca_file.read_text()) for net in known]
    added = [net for net in service_of_nets.list_nets(session) if net.source == "admin"]
    return Nets(nets=[*told, *(Net(superlink=net.superlink, ca_pem=net.ca_pem) for net in added)])


@agent_router.post("/heartbeat", status_code=204)
def heartbeat(body: HeartbeatRequest, trust: CurrentTrust, session: WriteSession) -> Response:
    trust.last_seen_at, trust.agent_version = now(), body.agent_version
    trust.components, trust.versions = dict(body.components), dict(body.versions)
    return Response(status_code=204)


@agent_router.post("/tasks/claim")
async def claim_tasks(
    body: ClaimRequest,
    token: Bearer,
    request: Request,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_SECONDS)] = 25,
) -> ClaimResponse:
    """Long poll: answers as soon as there is work. No database connection is held while waiting."""
    database: Database = request.app.state.database
    listener = request.app.state.listener

    def claim() -> tuple[UUID, list[Task]]:
        with database.session() as session:
            trust = trust_of_token(session, token)
            return trust.id, service.claim(session, trust, body.max_tasks)

    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    trust_id, tasks = await asyncio.to_thread(claim)
    with listener.watch(f"tasks:{trust_id}") as watch:
        while not tasks and (left := deadline - loop.time()) > 0 and not await request.is_disconnected():
            _, tasks = await asyncio.to_thread(claim)
            if not tasks:
                await watch.wait(min(left, LOOK_AGAIN_SECONDS))
    return ClaimResponse(tasks=tasks)


@agent_router.post("/tasks/{task_id}/extend", status_code=204, responses=errors(service.LeaseLost))
def extend_lease(task_id: UUID, trust: CurrentTrust, session: WriteSession) -> Response:
    """Once in a while during long work; without it, another may take the task."""
    if not service.extend(session, trust, task_id):
        raise service.LeaseLost
    return Response(status_code=204)


@agent_router.get("/fabs/{sha256}", response_class=Response, responses=errors(FabUnknown))
def get_fab(sha256: str, trust: CurrentTrust, session: ReadSession, request: Request) -> Response:
    """The bundle of an app that this trust was asked to review. It compares the hash."""
    ensure_asked(session, trust, sha256)
    objects = request.app.state.objects
    if not objects.has(key_of(sha256)):
        raise FabUnknown("This app is not kept here any more. Start the run again.")
    return Response(objects.get(key_of(sha256)), media_type="application/octet-stream")


@agent_router.post("/messages")
def receive_messages(body: MessageBatch, trust: CurrentTrust, session: WriteSession) -> MessageReceipt:
    return service.receive(session, trust, body)

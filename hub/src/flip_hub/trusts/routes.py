"""Trusts for people (`/api/v1/trusts`) and the API that trusts themselves call (`/api/trust/v1`)."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from flip_contracts.messages import EnrolRequest, EnrolResponse, HeartbeatRequest, MessageBatch, MessageReceipt
from flip_contracts.tasks import ClaimRequest, ClaimResponse, Task
from flip_hub.auth import AdminUser, Bearer, CurrentTrust, CurrentUser
from flip_hub.db import Database, ReadSession, WriteSession, now
from flip_hub.errors import NotAuthenticated
from flip_hub.trusts import service
from flip_hub.trusts.tables import Trust

router = APIRouter(prefix="/trusts", tags=["trusts"])
agent_router = APIRouter(tags=["trust API"])
LONGEST_WAIT_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 5.0  # an expired lease is not notified


class TrustCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


class TrustRead(BaseModel):
    id: UUID
    name: str
    enrolled: bool
    online: bool
    last_seen_at: datetime | None
    agent_version: str
    components: dict[str, str] = {}  # what the agent's heartbeat says of its parts: omop, sandbox, …


class TrustCreated(BaseModel):
    """`enrolment_code` is shown this once and works once, for 24 hours."""

    trust: TrustRead
    enrolment_code: str


def _read(trust: Trust, offline_seconds: float) -> TrustRead:
    fresh = now() - timedelta(seconds=offline_seconds)
    return TrustRead(
        id=trust.id,
        name=trust.name,
        enrolled=trust.enrolled_at is not None,
        online=trust.last_seen_at is not None and trust.last_seen_at > fresh,
        last_seen_at=trust.last_seen_at,
        agent_version=trust.agent_version,
        components=trust.components,
    )


@router.post("", status_code=201)
def create_trust(body: TrustCreate, admin: AdminUser, session: WriteSession, request: Request) -> TrustCreated:
    trust, code = service.create_trust(session, str(admin.id), body.name)
    return TrustCreated(trust=_read(trust, request.app.state.settings.trust_offline_seconds), enrolment_code=code)


@router.get("")
def list_trusts(user: CurrentUser, session: ReadSession, request: Request) -> list[TrustRead]:
    seconds = request.app.state.settings.trust_offline_seconds
    return [_read(t, seconds) for t in session.scalars(select(Trust).order_by(Trust.name))]


@agent_router.post("/enrol")
def enrol(body: EnrolRequest, session: WriteSession, request: Request) -> EnrolResponse:
    trust, token = service.enrol(session, body)
    hub_key = request.app.state.signing_key.public
    return EnrolResponse(trust_id=trust.id, name=trust.name, token=token, hub_public_key=hub_key)


@agent_router.post("/heartbeat", status_code=204)
def heartbeat(body: HeartbeatRequest, trust: CurrentTrust, session: WriteSession) -> Response:
    trust.last_seen_at, trust.agent_version, trust.components = now(), body.agent_version, body.components
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
            trust = session.scalar(select(Trust).where(Trust.token_sha256 == token))
            if trust is None:
                raise NotAuthenticated
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


@agent_router.post("/tasks/{task_id}/extend", status_code=204)
def extend_lease(task_id: UUID, trust: CurrentTrust, session: WriteSession) -> Response:
    """204, or 410 when the lease is lost and the work should stop."""
    return Response(status_code=204 if service.extend(session, trust, task_id) else 410)


@agent_router.post("/messages")
def receive_messages(body: MessageBatch, trust: CurrentTrust, session: WriteSession) -> MessageReceipt:
    return service.receive(session, trust, body)

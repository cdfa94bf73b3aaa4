"""The FL API (the hub calls it) and the relay (a ServerApp calls it). Two apps, two ports, two kinds of token."""

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, File, Form, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from flip_contracts.fl_api import (
    EventKind,
    EventsPage,
    Exchange,
    FlRunView,
    NetHealth,
    NodeSpec,
    NodeView,
    RunPrepared,
    RunSpec,
)
from flip_contracts.messages import MetricPoint
from flip_contracts.statuses import ModelStatus
from flip_contracts.wire import Problem
from flip_fl.api.service import FlService
from flip_fl.errors import AppInvalid, FlError, TokenInvalid
from flip_fl.store import RunRow, Store

log = logging.getLogger(__name__)
LONGEST_WAIT_SECONDS = 30.0
PIECE_BYTES = 4 * 2**20  # of a staged file, to be hashed and written in a thread


def _problems(app: FastAPI) -> None:
    def answer(status: int, code: str, message: str, details: dict[str, Any]) -> JSONResponse:
        problem = Problem(code=code, message=message, details=details, request_id=uuid4().hex)
        return JSONResponse(problem.model_dump(), status)

    @app.exception_handler(FlError)
    async def expected(_: Request, error: FlError) -> JSONResponse:
        return answer(error.status, error.code, error.public, error.details)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        fields = [".".join(map(str, e["loc"])) for e in error.errors()]
        return answer(422, "invalid_request", "The request does not have the documented shape.", {"fields": fields})

    @app.exception_handler(Exception)
    async def bug(_: Request, error: Exception) -> JSONResponse:
        log.error("unexpected failure", exc_info=error)
        return answer(500, "internal", "Unexpected failure; the FL API's log has it.", {})


def create_api(service: FlService, store: Store, net_key: str) -> FastAPI:
    expected = f"Bearer {net_key}"

    def hub_only(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), expected.encode()):
            raise TokenInvalid("This is the FL API; it answers the hub, with the net's key.")

    app = FastAPI(title="FLIP FL API", dependencies=[Depends(hub_only)], openapi_url=None)
    _problems(app)

    @app.get("/v1/health")
    def health() -> NetHealth:
        return service.health()

    @app.put("/v1/runs/{run_id}")
    def prepare(run_id: UUID, spec: Annotated[str, Form()], app: Annotated[bytes, File()]) -> RunPrepared:
        try:
            parsed = RunSpec.model_validate_json(spec)
        except ValidationError as error:
            raise AppInvalid("The run's specification is malformed.") from error
        return service.prepare(run_id, parsed, app)

    @app.put("/v1/runs/{run_id}/files/{sha256}", status_code=204)
    async def put_file(run_id: UUID, sha256: str, request: Request) -> Response:
        """One content that `PUT /v1/runs/{run_id}` said is missing."""
        with service.receive(run_id, sha256) as receiving:
            waiting = bytearray()
            async for chunk in request.stream():
                waiting += chunk
                if len(waiting) >= PIECE_BYTES:
                    await asyncio.to_thread(receiving.write, bytes(waiting))
                    waiting.clear()
            await asyncio.to_thread(receiving.write, bytes(waiting))
        return Response(status_code=204)

    @app.get("/v1/runs/{run_id}/fab")
    def fab(run_id: UUID) -> Response:
        """The bundle as it will run, for trusts whose staff look at it first."""
        return Response(service.fab(run_id), media_type="application/octet-stream")

    @app.post("/v1/runs/{run_id}/nodes")
    def add_node(run_id: UUID, body: NodeSpec) -> NodeView:
        return service.add_node(run_id, body)

    @app.post("/v1/runs/{run_id}/start")
    def start(run_id: UUID) -> FlRunView:
        return service.start_run(run_id)

    @app.post("/v1/runs/{run_id}/stop", status_code=202)
    def stop(run_id: UUID) -> Response:
        service.stop_run(run_id)
        return Response(status_code=202)

    @app.get("/v1/runs/{run_id}")
    def view(run_id: UUID) -> FlRunView:
        return service.view(run_id)

    @app.get("/v1/runs/{run_id}/results")
    def results(run_id: UUID) -> FileResponse:
        return FileResponse(service.results(run_id), media_type="application/zip")

    @app.delete("/v1/runs/{run_id}", status_code=204)
    def forget(run_id: UUID) -> Response:
        service.forget(run_id)
        return Response(status_code=204)

    @app.get("/v1/events")
    async def events(after: int = 0, wait: float = 0) -> EventsPage:
        """What happened after `after`; asking is the receipt for everything up to it."""
        deadline = time.monotonic() + min(wait, LONGEST_WAIT_SECONDS)
        if after > await asyncio.to_thread(store.last_seq):
            after = 0  # this store is younger than the hub's cursor: it was made anew
        await asyncio.to_thread(store.forget_events_up_to, after)
        while True:
            found = await asyncio.to_thread(store.events_after, after)
            if found or time.monotonic() >= deadline:
                return EventsPage(events=found, next_after=found[-1].seq if found else after)
            await asyncio.sleep(0.05)

    return app


class StatusBody(BaseModel):
    model_id: str = ""
    status: ModelStatus


class MetricsBody(BaseModel):
    points: Annotated[list[MetricPoint], Field(min_length=1, max_length=5000)]


class ExceptionBody(BaseModel):
    error_class: Annotated[str, Field(max_length=200)]
    text: Annotated[str, Field(max_length=4000)] = ""


class FailureBody(BaseModel):
    reason: Annotated[str, Field(pattern="^(no_client_results|server_app_raised|superlink_lost)$")]
    text: str


class TrainSentBody(BaseModel):
    round: Annotated[int, Field(ge=0)]
    nodes: Annotated[int, Field(ge=0)]


class RoundDoneBody(BaseModel):
    round: Annotated[int, Field(ge=0)]
    phase: Annotated[str, Field(pattern="^(train|evaluate)$")]
    results: Annotated[int, Field(ge=0)]
    failures: Annotated[int, Field(ge=0)]
    errors: list[str] = []


class ExchangeBody(BaseModel):
    node_id: Annotated[str, Field(pattern=r"^\d{1,20}$")]
    round: Annotated[int, Field(ge=0, lt=10**9)]
    phase: Annotated[str, Field(max_length=64)]
    queued_at: FiniteFloat
    sent_bytes: Annotated[int, Field(ge=0)]
    replied_at: FiniteFloat | None = None
    reply_bytes: Annotated[int, Field(ge=0)] = 0
    error: Annotated[str, Field(max_length=300)] = ""


class ExchangesBody(BaseModel):
    aggregated_at: FiniteFloat
    exchanges: Annotated[list[ExchangeBody], Field(min_length=1, max_length=5000)]


class ShapeBody(BaseModel):
    resumable: bool
    why: Annotated[str, Field(max_length=200)] = ""


class CheckpointBody(BaseModel):
    call: Annotated[int, Field(ge=1, lt=10**6)]
    round: Annotated[int, Field(ge=0, lt=10**9)]


class NoticeBody(BaseModel):
    text: Annotated[str, Field(max_length=2000)]


def create_relay(service: FlService, store: Store) -> FastAPI:
    """Everything a ServerApp may tell the hub, and only about its own run."""

    def own_run(authorization: Annotated[str, Header()] = "") -> RunRow:
        return service.run_of_token(authorization.removeprefix("Bearer "))

    OwnRun = Annotated[RunRow, Depends(own_run)]
    relay = FastAPI(title="FLIP relay", openapi_url=None)
    _problems(relay)

    @relay.middleware("http")
    async def small(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if int(request.headers.get("content-length", 0)) > 4 * 2**20:
            return JSONResponse({"code": "too_large", "message": "4 MiB at most."}, 413)
        return await call_next(request)

    @relay.post("/relay/v1/status", status_code=204)
    def status(run: OwnRun, body: StatusBody) -> None:
        service.app_status(run, body.status.value)

    @relay.post("/relay/v1/metrics", status_code=204)
    def metrics(run: OwnRun, body: MetricsBody) -> None:
        points = [p.model_dump(mode="json") for p in body.points]
        service.app_event(run, EventKind.METRIC, {"points": points})

    @relay.post("/relay/v1/exceptions", status_code=204)
    def exceptions(run: OwnRun, body: ExceptionBody) -> None:
        service.app_event(run, EventKind.APP_EXCEPTION, body.model_dump())

    @relay.post("/relay/v1/failure", status_code=204)
    def failure(run: OwnRun, body: FailureBody) -> None:
        service.app_failure(run, body.reason, body.text)

    @relay.post("/relay/v1/train-sent", status_code=204)
    def train_sent(run: OwnRun, body: TrainSentBody) -> None:
        service.app_event(run, EventKind.TRAIN_SENT, body.model_dump())

    @relay.post("/relay/v1/round-done", status_code=204)
    def round_done(run: OwnRun, body: RoundDoneBody) -> None:
        service.app_event(run, EventKind.ROUND_DONE, body.model_dump())

    @relay.post("/relay/v1/exchanges", status_code=204)
    def exchanges(run: OwnRun, body: ExchangesBody) -> None:
        trusts = service.trusts_by_node(run)
        told = [
            Exchange(trust=trusts[e.node_id], **e.model_dump(exclude={"node_id"})).model_dump(mode="json")
            for e in body.exchanges
            if e.node_id in trusts
        ]
        if told:
            service.app_event(run, EventKind.EXCHANGES, {"aggregated_at": body.aggregated_at, "trusts": told})

    @relay.post("/relay/v1/shape", status_code=204)
    def shape(run: OwnRun, body: ShapeBody) -> None:
        service.app_shape(run, body.resumable, body.why)

    @relay.post("/relay/v1/checkpoint", status_code=204)
    def checkpoint(run: OwnRun, body: CheckpointBody) -> None:
        store.keep_checkpoint(run.run_id, body.call, body.round)

    @relay.post("/relay/v1/notice", status_code=204)
    def notice(run: OwnRun, body: NoticeBody) -> None:
        service.app_event(run, EventKind.NOTICE, body.model_dump())

    return relay

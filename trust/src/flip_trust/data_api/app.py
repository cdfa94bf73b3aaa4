"""The local data API: what a ClientApp may ask of its trust, with a token that is worth something for one run only."""

import hashlib
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, BeforeValidator, Field

from flip.protocol import (
    COHORT_PATH,
    DATA_EXCEPTIONS_PATH,
    DATA_METRICS_PATH,
    IMAGES_PATH,
    LAYOUT_PACKED,
    RESOURCES_PATH,
    Cohort,
    Column,
    ColumnType,
    ImagesReply,
    ResourceReply,
)
from flip_contracts.messages import MetricPoint, MetricsMessage, NodeEvent, NodeEventMessage
from flip_contracts.wire import Problem
from flip_trust.approvals.service import Approvals
from flip_trust.enrich.errors import TooLarge
from flip_trust.enrich.service import MAX_FILE_BYTES, Images
from flip_trust.errors import AccessionNotInCohort, MetricRefused, NotApproved, QueryMismatch, TokenRefused, TrustError
from flip_trust.flower.scrub import scrub
from flip_trust.imaging.errors import ImagingError
from flip_trust.ledger.witness import Witness
from flip_trust.outbox import Outbox
from flip_trust.policy.file import PolicyFile
from flip_trust.store import RunRow, Store

log = logging.getLogger(__name__)


class ImagesBody(BaseModel):
    project_id: UUID
    accession_id: str
    resource_types: Annotated[
        list[Literal["DICOM", "NIFTI", "SEGMENTATION", "ALL"]],
        BeforeValidator(lambda types: [str(t).upper() for t in types] if isinstance(types, list) else types),
        Field(min_length=1, max_length=4),
    ]


class MetricsBody(BaseModel):
    points: Annotated[list[MetricPoint], Field(min_length=1, max_length=500)]


class ExceptionBody(BaseModel):
    error_class: Annotated[str, Field(max_length=200)]
    text: Annotated[str, Field(max_length=4000)] = ""


def create_data_api(
    store: Store, approvals: Approvals, images: Images, outbox: Outbox, policy: PolicyFile, witness: Witness
) -> FastAPI:
    app = FastAPI(title="FLIP trust data API", openapi_url=None)
    _problems(app, witness)

    def own_run(request: Request, authorization: Annotated[str, Header()] = "") -> RunRow:
        token = authorization.removeprefix("Bearer ")
        run = store.run_of_token(hashlib.sha256(token.encode()).hexdigest()) if token else None
        if run is None:
            raise TokenRefused("This token belongs to no run that is going on here.")
        request.state.run = run.manifest
        approvals.valid(run.manifest.project_id)  # withdrawn or expired since it started
        return run

    def own(run: RunRow, project_id: UUID) -> UUID:
        if project_id != run.manifest.project_id:
            raise NotApproved("This run may only use the cohort of its own project.")
        return project_id

    def accessions(run: RunRow, project_id: UUID) -> frozenset[str]:
        return approvals.frozen.accessions(approvals.valid(own(run, project_id)))

    @lru_cache(maxsize=1024)
    def scrubbed(run_id: UUID, cohort_sha256: str | None, text: str) -> str:
        """A run says the same few names over and over, and its cohort stays as it is: each is looked at once."""
        run = store.run(run_id)
        return scrub(text, store.cohort_of_run(run) if run else None)

    @app.get(COHORT_PATH, response_model=None)
    def get_cohort(
        run: Annotated[RunRow, Depends(own_run)], project_id: UUID, query: str = "*", layout: str = ""
    ) -> Response | dict[str, Any]:
        project = approvals.valid(own(run, project_id))
        if query.strip() not in ("*", project.review.sql.strip()):
            raise QueryMismatch(
                "The cohort is the one that this trust approved. Ask for it with query='*' or the project's own query."
            )
        if layout == LAYOUT_PACKED:
            rows, body = approvals.frozen.packed(project)
            log.info("run %s read its cohort of %d rows", run.manifest.run_id, rows)
            return Response(body, media_type="application/json")
        cohort = approvals.frozen.rows(project)
        log.info("run %s read its cohort of %d rows", run.manifest.run_id, len(cohort.rows))
        columns = tuple(Column(name, ColumnType(kind)) for name, kind in cohort.columns)
        return Cohort(columns, cohort.rows).to_json()

    @app.post(IMAGES_PATH)
    def get_images(run: Annotated[RunRow, Depends(own_run)], body: ImagesBody) -> dict[str, Any]:
        if body.accession_id not in accessions(run, body.project_id):
            raise AccessionNotInCohort("This accession is not in the approved cohort.")
        types: set[str] = set(body.resource_types)
        if "ALL" in types:
            types = {"NIFTI"}  # labels, DICOM and other files come along where there are any
        found = images.folder_of(body.project_id, body.accession_id, types, run.manifest.run_id)
        return ImagesReply(str(found)).to_json()

    @app.post(RESOURCES_PATH, status_code=201)
    async def add_resource(
        run: Annotated[RunRow, Depends(own_run)],
        request: Request,
        project_id: UUID,
        accession_id: str,
        resource_type: Literal["NIFTI", "SEGMENTATION", "DICOM"],
        name: Annotated[str, Query(max_length=100)],
    ) -> dict[str, Any]:
        """The file is the body."""
        own(run, project_id)
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > MAX_FILE_BYTES:
                raise TooLarge(f"A file may have up to {MAX_FILE_BYTES // 2**20} MiB.")
        added = images.add_from_run, project_id, run.manifest.run_id, accession_id, resource_type, name, bytes(content)
        kept, path = await run_in_threadpool(*added)
        return ResourceReply(str(path), kept.version).to_json()

    @app.post(DATA_METRICS_PATH, status_code=202)
    def put_metrics(run: Annotated[RunRow, Depends(own_run)], body: MetricsBody) -> None:
        pattern = policy.last_good.runs.metric_labels
        if not all(re.fullmatch(pattern, point.label) for point in body.points):
            raise MetricRefused("A metric's label is not of the form that this trust lets out. Use a plain word.")
        mine = accessions(run, run.manifest.project_id)
        if any(accession in point.label for point in body.points for accession in mine):
            raise MetricRefused("A metric's label names an accession. Use a plain word.")
        name = partial(scrubbed, run.manifest.run_id, store.cohort_sha256(run.manifest.project_id))
        points = [
            point.model_copy(update={"x_label": name(point.x_label)[:64], "client_name": name(point.client_name)[:128]})
            for point in body.points
        ]
        outbox.put(MetricsMessage(id=uuid4(), run_id=run.manifest.run_id, points=points))

    @app.post(DATA_EXCEPTIONS_PATH, status_code=202)
    def put_exception(run: Annotated[RunRow, Depends(own_run)], body: ExceptionBody) -> None:
        cohort = store.cohort_of_run(run)
        outbox.put(
            NodeEventMessage(
                id=uuid4(),
                run_id=run.manifest.run_id,
                event=NodeEvent.CLIENT_FAILED,
                code="client_app_raised",
                error_class=scrub(body.error_class, cohort),
                text=scrub(body.text, cohort),
                at=datetime.now(UTC),
            )
        )

    return app


def _problems(app: FastAPI, witness: Witness) -> None:
    def answer(status: int, code: str, message: str) -> JSONResponse:
        problem = Problem(code=code, message=message, request_id=uuid4().hex)
        return JSONResponse(problem.model_dump(mode="json"), status)

    def expected(request: Request, error: Any) -> JSONResponse:
        if isinstance(error, TrustError):
            run = getattr(request.state, "run", None)
            about = {"project_id": run.project_id, "run_id": run.run_id} if run else {}
            witness.refused("data API", error.code, error.public, **about)
        return answer(error.status, error.code, error.public)

    handlers: dict[Any, Callable[[Request, Any], JSONResponse]] = {
        TrustError: expected,
        ImagingError: expected,
        RequestValidationError: lambda _, error: answer(
            422, "invalid_request", "The request does not have the documented shape, or a number is not finite."
        ),
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)

    @app.middleware("http")
    async def bug(request: Request, call_next: Any) -> Any:
        """Not an exception handler: Starlette raises again after one, and the server would log a text that may quote
        a value."""
        try:
            return await call_next(request)
        except Exception as error:  # noqa: BLE001  the last edge before the server
            log.error("unexpected failure in the data API: %s", type(error).__name__)
            return answer(500, "internal", "Unexpected failure at the trust; its log names the kind.")

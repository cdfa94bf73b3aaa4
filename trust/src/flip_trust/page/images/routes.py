"""Images of a project: counts, reasons, thumbnails, a viewer, and labels dropped onto the page."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse

from flip_contracts.statuses import ImagingStage
from flip_trust.enrich.errors import NotMatched
from flip_trust.enrich.matching import accession_of, rest_of
from flip_trust.enrich.service import MAX_FILE_BYTES
from flip_trust.errors import TrustError
from flip_trust.imaging.errors import ImagingError
from flip_trust.page.guard import POLICY
from flip_trust.page.images import look
from flip_trust.page.kit import FOLDER, AgentHere, Page, VisitHere, show

router = APIRouter()
PAGE = Page("Images", "/images", router, largest_body=MAX_FILE_BYTES)
# NiiVue compiles its own shaders and decompresses in workers that it makes itself; still nothing from elsewhere.
_VIEWER_POLICY: Final = POLICY + "; worker-src 'self' blob:"
VIEWER: Final = FOLDER / "static" / "vendor" / "niivue.js"


@router.get("")
def list_projects(request: Request, agent: AgentHere) -> Response:
    projects = [p for p in agent.store.projects() if p.review.imaging and p.signed]
    counted = [(p, look.counts(agent.ledger.counts(p.review.project_id)[0])) for p in projects]
    return show(request, "images/projects.html", projects=counted)


@router.get("/{project_id}")
def show_project(
    request: Request,
    agent: AgentHere,
    project_id: UUID,
    stage: Annotated[str, Query(max_length=20)] = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    project = look.imaging_project(agent, project_id)
    shown = stage if stage in set(ImagingStage) else ""
    studies, pages = look.studies(agent, project_id, shown, page)
    facts = look.overview(agent, project_id)
    return show(
        request,
        "images/project.html",
        project=project,
        facts=facts,
        counts=look.counts(facts.stages),
        studies=studies,
        stage=shown,
        page=page,
        page_count=pages,
    )


@router.get("/{project_id}/{key}")
def show_study(request: Request, agent: AgentHere, project_id: UUID, key: str) -> Response:
    project = look.imaging_project(agent, project_id)
    study = look.study(agent, project_id, key)
    answer = show(request, "images/study.html", project=project, study=study, viewer=VIEWER.is_file(), flags=look.FLAGS)
    answer.headers["content-security-policy"] = _VIEWER_POLICY
    return answer


@router.get("/{project_id}/{key}/{name}")
def give_file(agent: AgentHere, project_id: UUID, key: str, name: str) -> Response:
    look.imaging_project(agent, project_id)
    file = look.file_of(agent, project_id, key, name)
    kind = "image/png" if file.suffix == ".png" else "application/octet-stream"  # not gzip: the viewer unpacks it
    return FileResponse(file, media_type=kind)


@router.post("/{project_id}/files")
async def add_file(
    request: Request,
    agent: AgentHere,
    visit: VisitHere,
    project_id: UUID,
    path: Annotated[str, Query(max_length=500)],
    accession: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """One file, the body. Whose it is: `accession`, or what its path says. Answers with a code, never with a name."""
    look.imaging_project(agent, project_id)
    known = agent.store.accessions(project_id) or frozenset[str]()
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    whose = accession if accession in known else accession_of(parts, known) if parts else ""
    content = await request.body()
    try:
        if not whose:
            raise NotMatched("No accession of this project fits. Begin the name with it, or drop a table with it.")
        name = rest_of(parts[-1], known)
        made = await run_in_threadpool(agent.images.add, project_id, whose, name, content, by=visit.login)
    except (TrustError, ImagingError) as refusal:
        return JSONResponse({"code": refusal.code, "text": refusal.public}, refusal.status)
    return JSONResponse({"code": "", "text": f"{made.name}, version {made.version}"}, 201)

"""Apps that wait for this trust's staff: findings, what changed since the last approved one, files, the decision."""

from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from flip_contracts.statuses import Decision
from flip_trust.page.kit import AgentHere, Page, VisitHere, see, show

LONGEST_SHOWN = 200_000  # characters of one file
SHADES = {"APPROVED": "good", "PENDING": "warn"}

router = APIRouter()
PAGE = Page("Code", "/code", router)


@router.get("")
def list_code(request: Request, agent: AgentHere) -> Response:
    reviews = agent.code.reviews()
    names = {p.project_id: p.name for p in agent.projects.projects()}
    waiting = [r for r in reviews if r.decision == Decision.PENDING]
    others = [r for r in reviews if r.decision != Decision.PENDING]
    facts = {"waiting": waiting, "others": others, "names": names, "shades": SHADES}
    return show(request, "code/list.html", manual=agent.rules.last_good.code.review == "manual", **facts)


@router.get("/{project_id}/{fab_sha256}")
def show_app(request: Request, agent: AgentHere, visit: VisitHere, project_id: UUID, fab_sha256: str) -> Response:
    app = agent.code.app(project_id, fab_sha256)
    name = agent.projects.project(project_id, with_size=False).summary.name
    files = [(path, len(content), _text(content)) for path, content in app.files.items()]
    lines = [(line, _kind(line)) for line in app.diff]
    mine = visit.login in app.review.approved_by
    facts = {"app": app, "review": app.review, "name": name, "files": files, "lines": lines, "mine": mine}
    return show(request, "code/app.html", shades=SHADES, **facts)


@router.post("/{project_id}/{fab_sha256}/decide")
def decide(
    request: Request,
    agent: AgentHere,
    visit: VisitHere,
    project_id: UUID,
    fab_sha256: str,
    decision: str = Form(),
    files_sha256: str = Form(""),
) -> Response:
    if decision == "approve":
        made = agent.code.approve(project_id, fab_sha256, visit.login, files_sha256)
        left = made.wanted - len(made.approved_by)
        note = "Approved: exactly this app may run here." if left <= 0 else "Noted. The policy wants a second person."
    else:
        agent.code.decline(project_id, fab_sha256, visit.login)
        note = "Declined. Runs of this app end here."
    return see(request, f"/code/{project_id}/{fab_sha256}", note)


def _text(content: bytes) -> str | None:
    """None for what is no text, or too much of it."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if len(text) <= LONGEST_SHOWN and "\0" not in text else None


def _kind(line: str) -> str:
    if line.startswith(("---", "+++", "@@", "Binary file")):
        return "place"
    return {"+": "added", "-": "removed"}.get(line[:1], "")

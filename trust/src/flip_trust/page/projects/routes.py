"""Projects that ask this trust: those that wait first."""

from fastapi import APIRouter, Request, Response

from flip_contracts.statuses import Decision
from flip_trust.page.kit import AgentHere, Page, show

router = APIRouter()
PAGE = Page("Projects", "/projects", router)


@router.get("")
def list_projects(request: Request, agent: AgentHere) -> Response:
    projects = agent.store.projects()
    waiting = [p for p in projects if p.decision == Decision.PENDING]
    decided = [p for p in projects if p.decision != Decision.PENDING]
    return show(request, "projects/list.html", waiting=waiting, decided=decided)

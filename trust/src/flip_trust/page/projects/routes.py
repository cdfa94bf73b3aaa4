"""Projects that ask this trust: those that wait first; one with everything there is to know; the decision on it."""

from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from flip_trust.page.kit import AgentHere, Page, VisitHere, see, show

router = APIRouter()
PAGE = Page("Projects", "/projects", router)
USUAL_DAYS = 365
SHADES = {"APPROVED": "good", "PENDING": "warn", "EXPIRED": "warn"}


@router.get("")
def list_projects(request: Request, agent: AgentHere) -> Response:
    projects = agent.projects.projects()
    waiting = [p for p in projects if p.standing in ("PENDING", "EXPIRED") or p.code_waiting]
    others = [p for p in projects if p not in waiting]
    return show(request, "projects/list.html", waiting=waiting, others=others, shades=SHADES)


@router.get("/{project_id}")
def show_project(request: Request, agent: AgentHere, project_id: UUID) -> Response:
    """The size is asked of the database: it takes as long as the query does."""
    details = agent.projects.project(project_id)
    longest = agent.rules.last_good.decisions.longest_days
    facts = {"project": details, "summary": details.summary, "usual_days": min(USUAL_DAYS, longest or USUAL_DAYS)}
    return show(request, "projects/project.html", shades=SHADES, **facts)


@router.post("/{project_id}/approve")
def approve(
    request: Request,
    agent: AgentHere,
    visit: VisitHere,
    project_id: UUID,
    conditions: str = Form("", max_length=2000),
    days: str = Form("", max_length=5),
) -> Response:
    agent.approvals.approve(project_id, conditions.strip(), _days(days), visit.login)
    return see(request, f"/projects/{project_id}", "Approved. The cohort is frozen; the hub is told.")


@router.post("/{project_id}/renew")
def renew(
    request: Request,
    agent: AgentHere,
    visit: VisitHere,
    project_id: UUID,
    conditions: str = Form("", max_length=2000),
    days: str = Form("", max_length=5),
) -> Response:
    agent.approvals.renew(project_id, conditions.strip(), _days(days), visit.login)
    return see(request, f"/projects/{project_id}", "Renewed. The cohort stays as it was frozen.")


@router.post("/{project_id}/decline")
def decline(request: Request, agent: AgentHere, visit: VisitHere, project_id: UUID) -> Response:
    agent.approvals.decline(project_id, visit.login)
    return see(request, f"/projects/{project_id}", "Declined. The hub is told.")


@router.post("/{project_id}/withdraw")
def withdraw(request: Request, agent: AgentHere, visit: VisitHere, project_id: UUID) -> Response:
    agent.approvals.withdraw(project_id, visit.login)
    return see(request, f"/projects/{project_id}", "Withdrawn. Runs of this project end here now.")


def _days(text: str) -> int | None:
    """None without an end. What is no number is 0, which no approval may hold for."""
    text = text.strip()
    return None if not text else int(text) if text.isdecimal() else 0

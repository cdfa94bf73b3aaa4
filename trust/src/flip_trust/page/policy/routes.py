"""The rules of this trust, and what each means. They are changed in the file, not here."""

from fastapi import APIRouter, Request, Response

from flip_trust.errors import PolicyInvalid
from flip_trust.page.kit import AgentHere, Page, show
from flip_trust.policy.schema import TrustPolicy, rules

router = APIRouter()
PAGE = Page("Policy", "/policy", router)
TITLES = {
    "disclosure": "What aggregates tell",
    "decisions": "Who decides, and for how long",
    "code": "Which apps run",
    "runs": "What a run may do",
}


@router.get("")
def show_policy(request: Request, agent: AgentHere) -> Response:
    problems = agent.rules.problems()
    try:
        policy = agent.rules.last_good
    except PolicyInvalid:  # none was good since the start: what a file that says nothing would mean
        policy = None
    shown = (policy or TrustPolicy()).model_dump()
    sections = [
        (
            TITLES.get(name, name.capitalize()),
            [(rule, _said(value), rules()[name, rule]) for rule, value in part.items()],
        )
        for name, part in shown.items()
    ]
    facts = {"problems": problems, "in_force": policy is not None, "path": agent.rules.path}
    return show(request, "policy/policy.html", sections=sections, there=agent.rules.path.exists(), **facts)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "no limit" if value is None else str(value)

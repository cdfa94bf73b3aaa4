"""What left: every message, update and refusal, to look through and to hand over."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from flip_trust.ledger.export import as_csv, as_fhir
from flip_trust.ledger.verify import verify
from flip_trust.page.kit import AgentHere, Page, PageMissing, see, show

PAGE_LENGTH = 50
SHADES = {"sent": "info", "refused": "bad"}

router = APIRouter()
PAGE = Page("What left", "/left", router)


class Filter(BaseModel):
    """As the form sends it: what is empty does not choose."""

    outcome: str = Field("", max_length=20)
    kind: str = Field("", max_length=100)
    project: str = Field("", max_length=40)
    since: str = Field("", max_length=10)

    @property
    def chosen(self) -> dict[str, object]:
        facts = {"outcome": self.outcome, "kind": self.kind, "project_id": self.project}
        chosen: dict[str, object] = {name: value for name, value in facts.items() if value}
        if self.since:
            try:
                chosen["since"] = datetime.fromisoformat(self.since).replace(tzinfo=UTC)
            except ValueError:
                raise PageMissing(f"'{self.since}' is no day. Write it as 2026-01-31.") from None
        return chosen

    @property
    def address(self) -> str:
        return urlencode({name: value for name, value in self.model_dump().items() if value})


Chosen = Annotated[Filter, Query()]


@router.get("")
def show_left(request: Request, agent: AgentHere, chosen: Chosen, after: int = Query(0, ge=0)) -> Response:
    return _page(request, agent, chosen, after)


def _page(request: Request, agent: AgentHere, chosen: Filter, after: int) -> Response:
    found = agent.what_left.entries(after=after, limit=PAGE_LENGTH + 1, newest_first=True, **chosen.chosen)  # type: ignore[arg-type]
    projects = {str(p.project_id): p.name for p in agent.projects.projects()}
    return show(
        request,
        "left/left.html",
        entries=found[:PAGE_LENGTH],
        more=found[PAGE_LENGTH - 1].seq if len(found) > PAGE_LENGTH else 0,
        after=after,
        chosen=chosen,
        kinds=agent.what_left.kinds(),
        projects=projects,
        shades=SHADES,
    )


@router.post("/verify")
def verify_chain(request: Request, agent: AgentHere) -> Response:
    found = verify(agent.what_left.path)
    if found.problems:
        return see(request, "/left", f"The chain is broken: {found.problems[0]}. See `flip-trust ledger verify`.")
    return see(
        request, "/left", f"All {found.entries} entries are as they were written. Newest hash: {found.head[:16]}…"
    )


@router.get("/export.csv")
def export_csv(agent: AgentHere, chosen: Chosen) -> Response:
    lines = as_csv(agent.what_left.everything(**chosen.chosen))
    return _download(lines, "text/csv; charset=utf-8", "what-left.csv")


@router.get("/export.ndjson")
def export_fhir(agent: AgentHere, chosen: Chosen) -> Response:
    trust = agent.store.identity().get("name", "trust")
    lines = as_fhir(agent.what_left.everything(**chosen.chosen), trust)
    return _download(lines, "application/fhir+ndjson", "what-left.ndjson")


def _download(lines, media_type: str, name: str) -> Response:
    return StreamingResponse(
        lines, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'}
    )

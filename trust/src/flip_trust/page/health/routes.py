"""The node's health: what `flip-trust doctor` tries, kept fresh while somebody looks."""

import threading
import time
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response

from flip_trust.agent import Agent
from flip_trust.doctor.examination import examine
from flip_trust.doctor.finding import Finding
from flip_trust.page.kit import AgentHere, Page, show

FRESH_SECONDS = 10.0

router = APIRouter()
PAGE = Page("Health", "/health", router)


class Examination:
    """Several people who look at once cost one examination."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at, self._found = 0.0, list[Finding]()

    def of(self, agent: Agent) -> list[Finding]:
        with self._lock:
            if time.monotonic() - self._at > FRESH_SECONDS or not self._found:
                self._found, self._at = list(examine(agent)), time.monotonic()
            return self._found


_examinations: WeakKeyDictionary[Agent, Examination] = WeakKeyDictionary()


def _findings(agent: Agent) -> list[Finding]:
    return _examinations.setdefault(agent, Examination()).of(agent)


@router.get("")
def show_health(request: Request, agent: AgentHere) -> Response:
    return show(request, "health/health.html", findings=_findings(agent))


@router.get("/checks")
def show_checks(request: Request, agent: AgentHere) -> Response:
    """The table alone, for the page that is open already."""
    return show(request, "health/checks.html", findings=_findings(agent))

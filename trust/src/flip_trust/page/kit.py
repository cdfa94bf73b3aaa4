"""What pages are made of: the visitor, the node's services, templates, and the way back after a form."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from flip_trust.agent import Agent
from flip_trust.errors import TrustError
from flip_trust.staff.book import Role
from flip_trust.staff.login import Staff, Visit

FOLDER: Final = Path(__file__).parent
COOKIE: Final = "flip_trust"
NOTE_COOKIE: Final = "flip_trust_note"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Page:
    """One entry of the menu. `largest_body`: bytes that a form of it may send."""

    title: str
    path: str
    router: APIRouter
    largest_body: int = 1 << 20


@dataclass(frozen=True)
class Node:
    """What the pages stand on. `secure`: browsers come by HTTPS, and so do cookies."""

    agent: Agent
    staff: Staff
    secure: bool
    pages: tuple[Page, ...]

    def cookie(self, name: str) -> str:
        """The prefix makes browsers insist on Secure, Path=/ and no Domain."""
        return f"__Host-{name}" if self.secure else name


class LoginNeeded(Exception):
    """Nobody is logged in, or their session has ended."""


class SetUpNeeded(Exception):
    """The account is not set up: no page but that one is open to it."""


class CsrfTokenMissing(TrustError):
    code, status = "csrf_token_missing", 403
    public = "This form is not from your session. Reload the page and send it again."

    def __init__(self):
        super().__init__(self.public)


class RoleMissing(TrustError):
    code, status = "role_missing", 403
    public = "Only an admin of this trust's staff may do that: `flip-trust staff role LOGIN admin`."

    def __init__(self):
        super().__init__(self.public)


class PageMissing(TrustError):
    """There is no such page, project, run or entry at this trust."""

    code, status = "page_missing", 404


# --- who is there, and what they may use ---
def _node(request: Request) -> Node:
    return request.app.state.node


NodeHere = Annotated[Node, Depends(_node)]


def _agent(node: NodeHere) -> Agent:
    return node.agent


AgentHere = Annotated[Agent, Depends(_agent)]


def _anybody(request: Request, node: NodeHere) -> Visit:
    visit = node.staff.visit(request.cookies.get(node.cookie(COOKIE), ""))
    if visit is None:
        raise LoginNeeded
    request.state.visit = visit
    return visit


AnyVisit = Annotated[Visit, Depends(_anybody)]


def visitor(visit: AnyVisit) -> Visit:
    if visit.setting_up:
        raise SetUpNeeded
    return visit


VisitHere = Annotated[Visit, Depends(visitor)]


def _admin(visit: VisitHere) -> Visit:
    if visit.member.role != Role.ADMIN:
        raise RoleMissing
    return visit


AdminHere = Annotated[Visit, Depends(_admin)]


async def ensure_csrf(request: Request, visit: AnyVisit) -> None:
    """The session's token as the form's field `csrf`, or as a script's header `X-CSRF-Token`."""
    if request.method in SAFE_METHODS:
        return
    sent = request.headers.get("x-csrf-token") or (await request.form()).get("csrf")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), visit.csrf.encode()):
        raise CsrfTokenMissing


# --- what they see ---
def when(at: datetime | str | None) -> Markup:
    """A moment in the trust's own time, and for machines."""
    if at is None:
        return Markup("–")
    moment = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone()
    shown = f"{moment.day} {moment:%b %Y, %H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), shown)


def count(number: int | float | None) -> str:
    """With narrow spaces between thousands."""
    return "–" if number is None else f"{number:,}".replace(",", "\u202f")


def size(octets: int) -> str:
    amount, unit = float(octets), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"


TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.filters.update(when=when, count=count, size=size)


def show(request: Request, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """A template by its path below this folder, with `visit`, `node`, `pages`, `here` and a note of the last form."""
    node: Node = request.app.state.node
    visit: Visit | None = getattr(request.state, "visit", None)
    note = unquote(request.cookies.get(node.cookie(NOTE_COOKIE), ""))
    shared = {
        "visit": visit,
        "csrf": visit.csrf if visit else "",
        "trust": node.agent.store.identity().get("name", "not enrolled"),
        "pages": node.pages,
        "here": request.url.path,
        "note": note,
    }
    body = TEMPLATES.get_template(template).render(shared | facts)
    response = HTMLResponse(body, status)
    if note:
        response.delete_cookie(node.cookie(NOTE_COOKIE), secure=node.secure, httponly=True, samesite="strict")
    return response


def see(request: Request, path: str, note: str = "") -> Response:
    """Go on to `path` after a form; `note` is shown there, once."""
    node: Node = request.app.state.node
    response = RedirectResponse(path, 303)
    if note:
        _set_cookie(response, node, NOTE_COOKIE, quote(note), 60)
    return response


def set_session(response: Response, node: Node, token: str) -> None:
    _set_cookie(response, node, COOKIE, token, None)


def end_session(response: Response, node: Node) -> None:
    response.delete_cookie(node.cookie(COOKIE), secure=node.secure, httponly=True, samesite="strict")


def _set_cookie(response: Response, node: Node, name: str, value: str, seconds: int | None) -> None:
    response.set_cookie(
        node.cookie(name), value, max_age=seconds, path="/", secure=node.secure, httponly=True, samesite="strict"
    )


def inside(path: str) -> str:
    """`path` if it leads to this page, else its start: a login must not send anybody elsewhere."""
    parts = urlsplit(path)
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc
    return path if plain and path.isprintable() else "/"

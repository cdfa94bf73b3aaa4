"""What a page may follow: each topic is checked as the page's own requests are."""

import re
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from flip_hub.auth import visible_model, visible_project, visible_run
from flip_hub.cohorts.tables import CohortQuery
from flip_hub.errors import FieldInvalid, NotFound
from flip_hub.users.tables import User

EVERYBODYS: Final = frozenset({"trusts", "queue"})
OF_A_THING: Final = ("project", "model", "run", "query")
MAX_TOPICS = 50
SHAPE = re.compile(rf"({'|'.join(OF_A_THING)}):([0-9a-f-]{{36}})")


def parse(wanted: list[str]) -> list[str]:
    """`?topics=run:ID,queue` and `?topics=…&topics=…` alike."""
    topics = list(dict.fromkeys(part for text in wanted for part in text.split(",") if part))
    unknown = [topic for topic in topics if topic not in EVERYBODYS and not SHAPE.fullmatch(topic)]
    if unknown or not topics or len(topics) > MAX_TOPICS:
        kinds = ", ".join([*(f"{kind}:ID" for kind in OF_A_THING), *sorted(EVERYBODYS)])
        raise FieldInvalid(f"Name 1 to {MAX_TOPICS} topics out of {kinds}.", unknown=[t[:60] for t in unknown[:5]])
    return topics


def check(session: Session, user: User, topics: list[str]) -> None:
    """Raises `NotFound` if one of the topics is about something that this user may not see."""
    for topic in topics:
        if found := SHAPE.fullmatch(topic):
            _check_one(session, user, found[1], _id(found[2]))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _check_one(session: Session, user: User, kind: str, thing: UUID) -> None:
    match kind:
        case "project":
            visible_project(session, user, thing)
        case "model":
            visible_model(session, user, thing)
        case "run":
            visible_run(session, user, thing)
        case _:
            query = session.get(CohortQuery, thing)
            if query is None:
                raise NotFound
            visible_project(session, user, query.project_id)

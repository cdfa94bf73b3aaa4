"""Bounds on tries, counted in the database so that every hub process sees all of them."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from flip_hub.auth import sha256
from flip_hub.db import Database, now
from flip_hub.errors import HubError
from flip_hub.login.tables import Throttle


class TooManyTries(HubError):
    code, status = "too_many_tries", 429
    public = "Too many tries. Wait for `details.retry_after_seconds`, then try again."


@dataclass(frozen=True)
class Bound:
    """At most `tries` for each `subject` within `minutes`; the count starts anew when that time is over."""

    kind: str
    subject: str
    tries: int
    minutes: int

    @property
    def key(self) -> str:
        return f"{self.kind}:{sha256(self.subject)}"


def count_try(database: Database, *bounds: Bound) -> None:
    """Count before the try, and whatever becomes of it: tries sent side by side cannot slip past the bound."""
    with database.session() as session:
        # In one order everywhere, so that two requests with the same keys never wait for each other.
        over = [left for bound in sorted(bounds, key=lambda b: b.key) if (left := _count(session, bound))]
    if over:
        seconds = max(over)
        raise TooManyTries(f"Too many tries. Try again in {-(-seconds // 60)} min.", retry_after_seconds=seconds)


def forget_tries(session: Session, bound: Bound) -> None:
    session.execute(delete(Throttle).where(Throttle.key == bound.key))


def give_back(session: Session, bound: Bound) -> None:
    """A try that succeeded does not count: a whole hospital may stand behind one address."""
    session.execute(update(Throttle).where(Throttle.key == bound.key).values(tries=Throttle.tries - 1))


def forget_old(session: Session) -> None:
    old = select(Throttle.key).where(Throttle.since < now() - timedelta(days=1)).with_for_update(skip_locked=True)
    session.execute(delete(Throttle).where(Throttle.key.in_(old)))


def _count(session: Session, bound: Bound) -> int:
    """Seconds to wait; 0 if this try is within the bound. A try beyond it does not prolong the wait."""
    at, window = now(), timedelta(minutes=bound.minutes)
    stale = Throttle.since < at - window
    row = session.execute(
        insert(Throttle)
        .values(key=bound.key, tries=1, since=at)
        .on_conflict_do_update(
            index_elements=[Throttle.key],
            set_={
                "tries": case((stale, 1), else_=Throttle.tries + 1),
                "since": case((stale, at), else_=Throttle.since),
            },
        )
        .returning(Throttle.tries, Throttle.since)
    ).one()
    return max(1, round((row.since + window - at).total_seconds())) if row.tries > bound.tries else 0

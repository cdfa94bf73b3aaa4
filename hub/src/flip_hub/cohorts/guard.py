"""The hub's early check of cohort SQL, in a process of its own; each trust checks again, and that is what counts."""

from flip_contracts.sql_guard import CheckedQuery
from flip_contracts.sql_guard.schema import names
from flip_contracts.sql_guard.worker import GuardWorker

_workers: dict[str, GuardWorker] = {}
_also = ""


def configure(also: str) -> None:
    """Columns beyond the default that some trust lets be asked. Raises ValueError for an unknown one."""
    global _also
    _workers.setdefault(also, GuardWorker(names(also)))
    _also = also


def check(sql: str) -> CheckedQuery:
    """Raises `SqlRefused`. Bounded in time and memory; never call it in an event loop."""
    return _workers.setdefault(_also, GuardWorker(names(_also))).check(sql)

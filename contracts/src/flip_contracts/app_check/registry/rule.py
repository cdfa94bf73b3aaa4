"""What a rule of the app check is. The reference page is written from these."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error blocks the run; a warning and an info do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Rule:
    """`what` is found, `why` it matters, how to `fix` it: Markdown, one paragraph each."""

    code: str
    severity: Severity
    what: str
    why: str
    fix: str


def error(code: str, what: str, why: str, fix: str) -> Rule:
    return Rule(code, Severity.ERROR, what, why, fix)


def warning(code: str, what: str, why: str, fix: str) -> Rule:
    return Rule(code, Severity.WARNING, what, why, fix)


def info(code: str, what: str, why: str, fix: str) -> Rule:
    return Rule(code, Severity.INFO, what, why, fix)

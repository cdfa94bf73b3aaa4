"""One finding of the app check. Its severity and its page come from the registry of rules."""

from pydantic import computed_field

from flip_contracts.app_check.registry import RULES, Severity
from flip_contracts.wire import Code, Wire

DOCS_PAGE = "docs/reference/findings.md"


class Finding(Wire):
    code: Code
    severity: Severity
    file: str | None = None
    line: int | None = None
    message: str
    remedy: str

    @computed_field
    @property
    def docs(self) -> str:
        """Where the rule is explained, relative to the repository."""
        return f"{DOCS_PAGE}#{self.code}"


def found(code: str, message: str, remedy: str, file: str | None = None, line: int | None = None) -> Finding:
    """A finding of a registered rule. A code that the registry lacks is a mistake of ours: KeyError."""
    return Finding(code=code, severity=RULES[code].severity, file=file, line=line, message=message, remedy=remedy)

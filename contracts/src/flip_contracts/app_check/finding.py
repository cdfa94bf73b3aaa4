"""One finding of the app check."""

from enum import StrEnum

from flip_contracts.wire import Code, Wire


class Severity(StrEnum):
    """An error blocks the run; a warning and an info do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(Wire):
    code: Code
    severity: Severity
    file: str | None = None
    line: int | None = None
    message: str
    remedy: str


def error(code: str, message: str, remedy: str, file: str | None = None, line: int | None = None) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, file=file, line=line, message=message, remedy=remedy)


def warning(code: str, message: str, remedy: str, file: str | None = None, line: int | None = None) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, file=file, line=line, message=message, remedy=remedy)


def info(code: str, message: str, remedy: str, file: str | None = None, line: int | None = None) -> Finding:
    return Finding(code=code, severity=Severity.INFO, file=file, line=line, message=message, remedy=remedy)

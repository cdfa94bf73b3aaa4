"""Why a query is refused, and where."""

from sqlglot import exp


class SqlRefused(Exception):
    """The query is refused before anything runs. `line` and `column` are 1-based, or None."""

    def __init__(self, code: str, message: str, line: int | None = None, column: int | None = None):
        self.code, self.message, self.line, self.column = code, message, line, column
        super().__init__(f"{code}: {message}")


def place(node: exp.Expr) -> tuple[int | None, int | None]:
    """Line and column of the first word of `node` in the text as written."""
    for inner in node.walk():
        if "line" in inner.meta:
            return inner.meta["line"], inner.meta["col"]
    return None, None


def refused(code: str, message: str, node: exp.Expr) -> SqlRefused:
    return SqlRefused(code, message, *place(node))

"""Why a query is refused, and where."""

from sqlglot import exp


class SqlRefused(Exception):
    """The query is refused before anything runs. `line` and `column` are 1-based, or None."""

    def __init__(self, code: str, message: str, line: int | None = None, column: int | None = None):
        self.code, self.message, self.line, self.column = code, message, line, column
        super().__init__(f"{code}: {message}")


def place(node: exp.Expr) -> tuple[int | None, int | None]:
    """Line and column of the first word of `node` in the text as written, or of what is around it."""
    around: exp.Expr | None = node
    while around is not None:
        for inner in around.walk():
            if "line" in inner.meta:  # `col` is where the word ends
                return inner.meta["line"], inner.meta["col"] - (inner.meta["end"] - inner.meta["start"])
        around = around.parent
    return None, None


def refused(code: str, message: str, node: exp.Expr) -> SqlRefused:
    return SqlRefused(code, message, *place(node))

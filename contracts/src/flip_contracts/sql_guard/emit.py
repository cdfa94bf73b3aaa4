"""A checked tree as text for one engine. What PostgreSQL and DuckDB compute differently is written out here."""

from sqlglot import exp


def emit(tree: exp.Expr, write: str, schema: str) -> str:
    tree = tree.copy()
    for table in tree.find_all(exp.Table):
        if table.db:
            table.set("db", exp.to_identifier(schema, quoted=True))
    if write != "postgres":
        for node in list(tree.find_all(exp.Div, exp.IntDiv)):
            _plain_division(node)
    return tree.sql(dialect=write, comments=False)


def _plain_division(node: exp.Expr) -> None:
    """DuckDB has an operator for each of the two; which is meant, the kinds of both sides have told."""
    left, right = node.this.copy(), node.expression.copy()
    if node.meta.get("whole"):
        node.replace(exp.IntDiv(this=left, expression=right))
    else:
        node.replace(exp.Div(this=left, expression=right, typed=False, safe=False))

"""A cohort query in plain English, for people who approve it and do not read SQL.

It follows the parsed tree and adds nothing: what it has no words for, it quotes as SQL. It names tables and columns as
OMOP does; what a concept id means is not in the query, so it is not said.
"""

from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

UNREADABLE = "The query cannot be put into words. Read the SQL."
_COMPARED: dict[type[exp.Expr], str] = {
    exp.EQ: "is",
    exp.NEQ: "is not",
    exp.GT: "is greater than",
    exp.GTE: "is at least",
    exp.LT: "is less than",
    exp.LTE: "is at most",
    exp.Like: "matches the pattern",
    exp.ILike: "matches, in any case of letters, the pattern",
}
_SETS: dict[type[exp.Expr], str] = {
    exp.Union: "The rows of both of these:",
    exp.Intersect: "The rows that are in both of these:",
    exp.Except: "The rows of the first of these that are not in the second:",
}
_SELECT_ARGS = (
    "with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct",
)  # fmt: skip
_SET_ARGS = ("with_", "this", "expression", "distinct", "order", "limit", "offset")
_JOINS = {"LEFT": "and, where there is one,", "RIGHT": "and every row of", "FULL": "and, also without a match,"}


def describe(sql: str) -> list[str]:
    """Lines of text, indented by two spaces a level; `[UNREADABLE]` for what is no single query."""
    try:
        statements = sqlglot.parse(sql, read="postgres")
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            return [UNREADABLE]
        return list(_query(statements[0], {}))
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError):
        return [UNREADABLE]


def _only(node: exp.Expr, *known: str) -> bool:
    """Whether nothing hangs on this node but what the words below know of: a flag unseen may turn the meaning round."""
    return all(key in known for key, value in node.args.items() if value)


def _query(query: exp.Expr, names: dict[str, str]) -> Iterator[str]:
    with_: exp.Expr | None = query.args.get("with_")
    parts: list[exp.Expr] = with_.expressions if with_ else []
    for part in parts:
        yield f"First a list called {part.alias}:"
        yield from _indented(_query(part.this, {}))
    if isinstance(query, exp.Subquery) and _only(query, "this", "alias", "with_"):
        yield from _query(query.this, names)
    elif isinstance(query, exp.SetOperation) and _only(query, *_SET_ARGS):
        yield _SETS.get(type(query), f"{type(query).__name__} of these:")
        yield from _indented(_query(query.left, names))
        yield "  and"
        yield from _indented(_query(query.right, names))
        yield from _order(query, names)
    elif isinstance(query, exp.Select) and _only(query, *_SELECT_ARGS) and not _distinct_on(query):
        yield from _select(query, names)
    else:
        yield f"SQL: {_sql(query)}"


def _distinct_on(query: exp.Select) -> bool:
    distinct = query.args.get("distinct")
    return distinct is not None and not _only(distinct)


def _select(query: exp.Select, outer: dict[str, str]) -> Iterator[str]:
    sources = list(_sources(query))
    names = outer | {source.alias_or_name: _source(source) for source in sources}
    names = {alias: alias if list(names.values()).count(name) > 1 else name for alias, name in names.items()}
    alone = len(sources) == 1 and not outer
    columns = ", ".join(_column(column, names, alone) for column in query.selects)
    yield f"Shows{' each different' if query.args.get('distinct') else ''}: {columns}."
    for source in sources:
        yield from _from(source, names)
    for join in _joins(query):
        yield from _join(join, names)
    where = query.args.get("where")
    if where:
        yield "Only where:"
        yield from _indented(_conditions(where.this, names, alone))
    group, having = query.args.get("group"), query.args.get("having")
    if group and not _only(group, "expressions"):
        yield f"SQL: {_sql(group)}"
    elif group:
        yield f"Gathered by: {', '.join(_value(e, names, alone) for e in group.expressions)}."
    if having:
        yield "Only groups where:"
        yield from _indented(_conditions(having.this, names, alone))
    yield from _order(query, names, alone)


def _order(query: exp.Expr, names: dict[str, str], alone: bool = False) -> Iterator[str]:
    order, limit, offset = (query.args.get(key) for key in ("order", "limit", "offset"))
    if (limit and not _only(limit, "expression")) or (offset and not _only(offset, "expression")):
        yield f"SQL: {_sql(limit or offset)}"  # type: ignore[arg-type]  # one of them is there
        return
    if order:
        parts = [
            f"{_value(o.this, names, alone)}{', highest first' if o.args.get('desc') else ''}"
            for o in order.expressions
        ]
        yield f"In the order of: {'; '.join(parts)}."
    if offset:
        yield f"Without the first {_sql(offset.expression)} rows."
    if limit:
        yield f"At most {_sql(limit.expression)} rows."


def _sources(query: exp.Select) -> Iterator[exp.Expr]:
    from_ = query.args.get("from_")
    if from_:
        yield from_.this
    for join in _joins(query):
        yield join.this


def _joins(query: exp.Select) -> list[exp.Join]:
    return query.args.get("joins") or []


def _source(source: exp.Expr) -> str:
    return source.name if isinstance(source, exp.Table) else source.alias_or_name


def _from(source: exp.Expr, names: dict[str, str]) -> Iterator[str]:
    if isinstance(source.parent, exp.Join):
        return
    yield f"From: {_named(source)}."
    if isinstance(source, exp.Subquery):
        yield from _indented(_query(source.this, {}))


def _join(join: exp.Join, names: dict[str, str]) -> Iterator[str]:
    side = str(join.args.get("side") or "").upper()
    on, using = join.args.get("on"), join.args.get("using")
    if not _only(join, "this", "side", "kind", "on", "using") or side not in ("", *_JOINS):
        yield f"SQL: {_sql(join)}"
        return
    joined = f"{_JOINS.get(side, 'joined with')} {_named(join.this)}"
    if on is not None:
        conditions = [_condition(c, names, False) for c in _flat(on, exp.And)]
        yield f"{joined}, matched where {' and '.join(conditions)}."
    elif using:
        yield f"{joined}, matched where {' and '.join(c.name for c in using)} is the same."
    else:
        yield f"{joined}, every row with every row."
    if isinstance(join.this, exp.Subquery):
        yield from _indented(_query(join.this.this, {}))


def _named(source: exp.Expr) -> str:
    if isinstance(source, exp.Table):
        alias = source.alias
        if not _only(source, "this", "db", "alias"):
            return f"SQL: {_sql(source)}"
        return f"{source.name} (called {alias})" if alias and alias != source.name else source.name
    return f"a list called {source.alias_or_name}" if source.alias_or_name else "a list"


def _column(column: exp.Expr, names: dict[str, str], alone: bool) -> str:
    if isinstance(column, exp.Star):
        return "every column"
    if isinstance(column, exp.Alias):
        value = _value(column.this, names, alone)
        return (
            value
            if isinstance(column.this, exp.Column) and column.this.name == column.alias
            else (f"{column.alias} (which is {value})")
        )
    return _value(column, names, alone)


def _conditions(node: exp.Expr, names: dict[str, str], alone: bool) -> Iterator[str]:
    """One line a condition; all of them have to hold."""
    for condition in _flat(node, exp.And):
        inner = condition.unnest()
        either = _flat(inner, exp.Or)
        if len(either) > 1:
            yield "- one or more of these:"
            for part in either:
                yield from _indented(_listed(part, names, alone))
        else:
            yield from _listed(condition, names, alone)


def _listed(condition: exp.Expr, names: dict[str, str], alone: bool) -> Iterator[str]:
    inner = condition.unnest()
    negated = isinstance(inner, exp.Not)
    exists = inner.this.unnest() if negated else inner
    if isinstance(exists, exp.Exists) and _only(exists, "this"):
        yield f"- there is {'no' if negated else 'a'} row in:"
        yield from _indented(_query(exists.this, names))
    elif isinstance(inner, exp.In) and inner.args.get("query") is not None and _only(inner, "this", "query"):
        yield f"- {_value(inner.this, names, alone)} is among the rows of:"
        yield from _indented(_query(inner.args["query"].unnest(), names))
    elif (
        negated
        and isinstance(exists, exp.In)
        and exists.args.get("query") is not None
        and _only(exists, "this", "query")
    ):
        yield f"- {_value(exists.this, names, alone)} is not among the rows of:"
        yield from _indented(_query(exists.args["query"].unnest(), names))
    elif len(parts := _flat(inner, exp.And)) > 1:
        yield "- all of these:"
        for part in parts:
            yield from _indented(_listed(part, names, alone))
    else:
        yield f"- {_condition(condition, names, alone)}"


def _condition(node: exp.Expr, names: dict[str, str], alone: bool) -> str:
    node = node.unnest()
    if node.args.get("negate") and _only(node, "this", "expression", "negate"):
        plain = node.copy()
        plain.set("negate", None)
        if isinstance(plain, exp.Is) and isinstance(plain.expression, exp.Null):
            return f"{_value(plain.this, names, alone)} is present"
        return f"it is not so that {_condition(plain, names, alone)}"
    if isinstance(node, exp.Not) and _only(node, "this"):
        return f"it is not so that {_condition(node.this, names, alone)}"
    if isinstance(node, exp.Is) and _only(node, "this", "expression"):
        said = "is missing" if isinstance(node.expression, exp.Null) else f"is {_sql(node.expression).lower()}"
        return f"{_value(node.this, names, alone)} {said}"
    if type(node) in _COMPARED and _only(node, "this", "expression"):
        left, right = node.this, node.expression
        return f"{_value(left, names, alone)} {_COMPARED[type(node)]} {_value(right, names, alone)}"
    if isinstance(node, exp.Between) and _only(node, "this", "low", "high"):
        low, high = (_value(node.args[key], names, alone) for key in ("low", "high"))
        return f"{_value(node.this, names, alone)} is from {low} to {high}, both included"
    if isinstance(node, exp.In) and node.expressions and _only(node, "this", "expressions"):
        among = ", ".join(_value(e, names, alone) for e in node.expressions)
        return f"{_value(node.this, names, alone)} is one of {among}"
    if isinstance(node, exp.Or):
        return " or ".join(f"({_condition(part, names, alone)})" for part in _flat(node, exp.Or))
    if isinstance(node, exp.And):
        return " and ".join(f"({_condition(part, names, alone)})" for part in _flat(node, exp.And))
    return f"SQL: {_sql(node)}"


def _value(node: exp.Expr, names: dict[str, str], alone: bool) -> str:
    node = node.unnest()
    if isinstance(node, exp.Column):
        if isinstance(node.this, exp.Star):
            return f"every column of {names.get(node.table, node.table)}"
        return node.name if alone or not node.table else f"{node.name} of {names.get(node.table, node.table)}"
    if isinstance(node, exp.Count) and _only(node, "this", "big_int"):
        inner = node.this
        if inner is None or isinstance(inner, exp.Star):
            return "the number of rows"
        if isinstance(inner, exp.Distinct):
            return f"the number of different {', '.join(_value(e, names, alone) for e in inner.expressions)}"
        return f"the number of rows with {_value(inner, names, alone)}"
    return _sql(node)


def _flat(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    inner = node.unnest()
    if isinstance(inner, kind):
        return [*_flat(inner.this, kind), *_flat(inner.args["expression"], kind)]
    return [node]


def _indented(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield f"  {line}"


def _sql(node: exp.Expr) -> str:
    return node.sql(dialect="postgres", comments=False)

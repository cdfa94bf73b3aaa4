"""Aggregates and windows stand where an engine can compute them.

An engine would refuse the query too, but it may not say why: its text could quote a value. So the reason is told here.
"""

from collections.abc import Iterator

from sqlglot import exp

from flip_contracts.sql_guard.refusal import refused

CODE = "sql_grouping"
ONLY_OVER = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.Ntile)


def check_grouping(tree: exp.Expr) -> None:
    """Of a qualified tree."""
    for select in tree.find_all(exp.Select):
        _check_places(select)
        _check_groups(select)


def _own(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """The node and what is below it, but for subqueries."""
    stack = [node] if node is not None else []
    while stack:
        current = stack.pop()
        yield current
        if not isinstance(current, exp.Query):
            stack.extend(current.iter_expressions())


def _is_aggregate(node: exp.Expr) -> bool:
    return isinstance(node, exp.AggFunc) and not isinstance(node, ONLY_OVER) and not _is_over(node)


def _is_whole_aggregate(node: exp.Expr) -> bool:
    """With its FILTER and its WITHIN GROUP, which are computed row by row too."""
    return _is_aggregate(node) or (isinstance(node, exp.Filter | exp.WithinGroup) and not _is_over(node))


def _is_over(node: exp.Expr) -> bool:
    """True for the function of a window: sum(x) FILTER (...) OVER (...)."""
    parent, below = node.parent, node
    while isinstance(parent, exp.Filter | exp.WithinGroup | exp.Cast):
        parent, below = parent.parent, parent
    return isinstance(parent, exp.Window) and parent.this is below


def _check_places(select: exp.Select) -> None:
    joins: list[exp.Join] = select.args.get("joins") or []
    for place, clauses in {
        "WHERE": [select.args.get("where")],
        "ON": [join.args.get("on") for join in joins],
        "GROUP BY": [select.args.get("group")],
    }.items():
        for node in (n for clause in clauses for n in _own(clause)):
            if isinstance(node, exp.AggFunc | exp.Window):
                remedy = "Use HAVING" if place == "WHERE" and _is_aggregate(node) else "Compute it in a subquery first"
                raise refused(CODE, f"{place} cannot hold an aggregate or a window. {remedy}.", node)
    for node in _own(select.args.get("having")):
        if isinstance(node, exp.Window):
            raise refused(CODE, "HAVING cannot hold a window. Compute it in a subquery first.", node)
    for node in (n for part in _computed(select) for n in _own(part)):
        if isinstance(node, ONLY_OVER) and not _is_over(node):
            raise refused(CODE, f"{type(node).__name__} needs OVER (PARTITION BY person_id ORDER BY …).", node)
        outer = node.find_ancestor(exp.AggFunc, exp.Window, exp.Select)
        nested = _is_aggregate(node) and isinstance(outer, exp.AggFunc) and not _is_over(outer)
        if nested or (isinstance(node, exp.Window) and isinstance(outer, exp.AggFunc | exp.Window)):
            raise refused(CODE, "An aggregate or a window within another: compute the inner one in a subquery.", node)


def _computed(select: exp.Select) -> list[exp.Expr]:
    having, order = select.args.get("having"), select.args.get("order")
    return [*select.selects, *([having] if having else []), *([order] if order else [])]


def _check_groups(select: exp.Select) -> None:
    group = select.args.get("group")
    parts = _computed(select)
    if not group and not any(_is_aggregate(node) for part in parts for node in _own(part)):
        return
    grouped: list[exp.Expr] = group.expressions if isinstance(group, exp.Group) else []
    keys = {key.sql() for key in grouped}
    names = {projection.alias for projection in select.selects if isinstance(projection, exp.Alias)}
    for part in parts:
        _check_grouped(part, keys, names if isinstance(part, exp.Order) else set())


def _check_grouped(node: exp.Expr, keys: set[str], names: set[str]) -> None:
    if _is_whole_aggregate(node) or isinstance(node, exp.Query) or node.sql() in keys:
        return
    if isinstance(node, exp.Column) and not (not node.table and node.name in names):
        text = f"{node.name} stands beside an aggregate: put it into GROUP BY, or into an aggregate such as max()."
        raise refused(CODE, text, node)
    for child in node.iter_expressions():
        _check_grouped(child, keys, names)

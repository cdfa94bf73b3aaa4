"""The allow-list of what may stand in a query at all: kinds of node, their arguments, names, sizes, tables."""

from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from flip_contracts.sql_guard.refusal import SqlRefused, refused

MAX_NODES, MAX_DEPTH, MAX_JOINS, MAX_LITERAL = 2_000, 60, 12, 256

_NAMES = """
Select Union Intersect Except Subquery With CTE Table TableAlias Alias Column Identifier Star Literal Boolean Null
From Join Where Group Having Order Ordered Limit Offset Distinct Paren And Or Not EQ NEQ GT GTE LT LTE Is In
Between Like ILike Exists Add Sub Mul Div IntDiv Mod Neg Case If Coalesce Nullif Cast DataType DataTypeParam Interval
Var Count Sum Avg Min Max Stddev StddevSamp StddevPop Variance VariancePop Median PercentileCont PercentileDisc
WithinGroup Filter Floor Ceil Round Abs Ln Log Sqrt Pow Greatest Least Extract DateTrunc TimestampTrunc
CurrentDate Date Upper Lower Trim Substring Length
Concat DPipe StrPosition Trunc Window WindowSpec RowNumber Rank DenseRank Lag Lead FirstValue LastValue Ntile
Quantile
"""
ALLOWED: frozenset[type] = frozenset(getattr(exp, name) for name in _NAMES.split())
CASTS = frozenset(
    [
        "INT",
        "BIGINT",
        "SMALLINT",
        "DOUBLE",
        "FLOAT",
        "DECIMAL",
        "VARCHAR",
        "TEXT",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMPNTZ",
        "BOOLEAN",
        "INTERVAL",
    ]
)
SELECT_ARGS = frozenset(
    ["with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct"]
)


def check_nodes(tree: exp.Expr, tables: Mapping[str, Any], schema: str) -> None:
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery):
        raise SqlRefused("sql_node_forbidden", "Only SELECT is allowed.")  # `check` adds where the text begins
    nodes = list(tree.walk())
    if len(nodes) > MAX_NODES or _depth(tree) > MAX_DEPTH:
        text = "The query has too many parts or is nested too deeply. Simplify it."
        raise refused("sql_too_complex", text, tree)
    if sum(isinstance(n, exp.Join) for n in nodes) > MAX_JOINS:
        raise refused("sql_too_complex", f"More than {MAX_JOINS} joins. Simplify the query.", tree)
    for node in nodes:
        _check_node(node)
    _check_tables(tree, nodes, tables, schema)


def _depth(tree: exp.Expr) -> int:
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            return deepest
        stack.extend((child, depth + 1) for child in node.iter_expressions())
    return deepest


def _check_node(node: exp.Expr) -> None:
    if type(node) not in ALLOWED:
        name = node.name if isinstance(node, exp.Anonymous) else type(node).__name__
        text = f"{name} is not allowed in a cohort query. Use plain SELECT with joins, filters and aggregates."
        raise refused("sql_node_forbidden", text, node)
    refusal = ""
    match node:
        case exp.Select():
            refusal = next((k for k, v in node.args.items() if v and k not in SELECT_ARGS), "")
        case exp.With():
            refusal = "RECURSIVE" if node.args.get("recursive") else ""
        case exp.CTE():
            refusal = "" if isinstance(node.this, exp.Select | exp.SetOperation) else "this WITH body"
        case exp.DataType():
            refusal = "" if node.this.value in CASTS else "this type"
        case exp.Identifier():
            plain = node.this.isascii() and node.this.replace("_", "a").isalnum() and len(node.this) <= 63
            refusal = "" if plain else "a name with other characters than letters, digits and _"
        case exp.Table():
            refusal = "" if isinstance(node.this, exp.Identifier) else "a function in FROM"
            refusal = refusal or next((k for k, v in node.args.items() if v and k not in ("this", "alias", "db")), "")
        case exp.TableAlias():
            # Columns renamed there would go by another name than their own.
            refusal = "a column list in an alias (name columns with AS)" if node.args.get("columns") else ""
        case exp.Column():
            refusal = "a column with a schema" if node.args.get("db") or node.args.get("catalog") else ""
        case exp.Literal():
            refusal = "a literal of more than 256 characters" if len(node.this) > MAX_LITERAL else ""
        case exp.Distinct():
            refusal = "DISTINCT ON" if node.args.get("on") else ""
        case exp.Group():
            refusal = next((f"GROUP BY {k.upper()}" for k, v in node.args.items() if v and k != "expressions"), "")
        case exp.Subquery():
            allowed = exp.From | exp.Join | exp.In | exp.SetOperation | exp.Subquery | exp.CTE | None
            refusal = "" if isinstance(node.parent, allowed) else "a subquery as a value (join it)"
        case exp.Join():
            method, kind = node.args.get("method"), node.args.get("kind")
            fine = not method and kind in (None, "", "INNER", "OUTER", "CROSS")
            refusal = "" if fine else "this kind of join (use INNER or LEFT JOIN)"
        case _:
            pass
    if refusal:
        raise refused("sql_node_forbidden", f"{refusal} is not allowed in a cohort query.", node)


def _check_tables(tree: exp.Expr, nodes: list[exp.Expr], tables: Mapping[str, Any], schema: str) -> None:
    """A name is a CTE only where its scope says so: elsewhere the same name is a real table."""
    resolved: set[int] = set()
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                resolved.add(id(source))
                if (source.db.lower() or schema) != schema or source.name.lower() not in tables:
                    text = f"There is no table {source.name} to ask. Use the tables of `omop` (OMOP CDM 5.4)."
                    raise refused("sql_unknown_table", text, source)
    for node in nodes:
        if isinstance(node, exp.Table) and id(node) not in resolved and node.db:
            raise refused("sql_unknown_table", f"There is no table {node.name} to ask.", node)

"""The cohort-SQL guard: parse, allow-list every node, resolve tables per scope, qualify, re-emit, parse again.

Only text that this module emitted from a checked tree ever reaches an engine. The guard is one layer; the engine's own
lock-down is the other.
"""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from flip_contracts.sql_guard.schema import IDENTIFIERS, OMOP, VOCABULARY_KEYS

MAX_LENGTH, MAX_NODES, MAX_DEPTH, MAX_JOINS, MAX_LITERAL = 20_000, 2_000, 60, 12, 256
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would log the text of a query
SCHEMA: dict[str, object] = {"omop": OMOP}

_NAMES = """
Select Union Intersect Except Subquery With CTE Table TableAlias Alias Column Identifier Star Literal Boolean Null
From Join Where Group Having Order Ordered Limit Offset Distinct Paren Tuple And Or Not EQ NEQ GT GTE LT LTE Is In
Between Like ILike Exists Add Sub Mul Div IntDiv Mod Neg Case If Coalesce Nullif Cast DataType DataTypeParam Interval
Var Count Sum Avg Min Max Stddev StddevSamp StddevPop Variance VariancePop Median PercentileCont PercentileDisc
WithinGroup Filter Floor Ceil Round Abs Ln Log Sqrt Pow Greatest Least Extract DateTrunc TimestampTrunc DateAdd DateSub
DateDiff CurrentDate TsOrDsToDate TsOrDsDiff TsOrDsAdd Date StrToDate Year Month Day Upper Lower Trim Substring Length
Concat DPipe StrPosition Trunc Window WindowSpec RowNumber Rank DenseRank Lag Lead FirstValue LastValue Ntile
"""
ALLOWED: frozenset[type] = frozenset(getattr(exp, name) for name in _NAMES.split() if hasattr(exp, name))
CASTS = frozenset(
    {"INT", "BIGINT", "SMALLINT", "DOUBLE", "FLOAT", "DECIMAL", "VARCHAR", "TEXT", "DATE", "TIMESTAMP", "BOOLEAN"}
    | {"INTERVAL"}
)
SELECT_ARGS = frozenset(
    {"with_", "with", "kind", "expressions", "from_", "from", "joins", "where", "group", "having", "order", "limit"}
    | {"offset", "distinct"}
)


class SqlRefused(Exception):
    """The query is refused before anything runs. `line` and `column` are 1-based, or None."""

    def __init__(self, code: str, message: str, line: int | None = None, column: int | None = None):
        self.code, self.message, self.line, self.column = code, message, line, column
        super().__init__(f"{code}: {message}")


@dataclass(frozen=True)
class CheckedQuery:
    """`emitted` is what an engine may run; `sha256` is of the text as written, which is what people approve."""

    sql: str
    emitted: str
    columns: tuple[str, ...]
    has_person_id: bool
    has_accession_id: bool
    sha256: str


def check(sql: str, *, write: str = "duckdb") -> CheckedQuery:
    """Check PostgreSQL-dialect cohort SQL over `omop.*` and re-emit it for the engine `write`.

    Raises `SqlRefused`. Pure and CPU-bound: at most a second for hostile input, milliseconds for honest one.
    """
    if len(sql) > MAX_LENGTH:
        raise SqlRefused("sql_too_long", f"The query is longer than {MAX_LENGTH} characters. Shorten it.")
    if any(ord(c) < 32 and c not in "\t\n\r" for c in sql):
        raise SqlRefused("sql_syntax", "The query holds control characters. Remove them.")
    try:
        return _check(sql, write)
    except RecursionError:
        raise SqlRefused("sql_too_complex", "The query is nested too deeply. Simplify it.") from None
    except ParseError as error:
        where = error.errors[0] if error.errors else {}
        described = str(where.get("description", "it cannot be parsed")).split(" but got")[0]
        text = f"The query is not valid SQL: {described}."
        raise SqlRefused("sql_syntax", text, where.get("line"), where.get("col")) from None
    except (SqlglotError, AttributeError, TypeError, ValueError, KeyError, IndexError):
        # The parser itself trips over some malformed text; to the writer that is the same thing.
        raise SqlRefused("sql_syntax", "The query is not valid SQL (PostgreSQL dialect).") from None


def _check(sql: str, write: str) -> CheckedQuery:
    statements = sqlglot.parse(sql, read="postgres", error_level=sqlglot.ErrorLevel.RAISE)
    if len(statements) != 1 or statements[0] is None:
        raise SqlRefused("sql_not_single_statement", "Write exactly one SELECT statement, without a second after `;`.")
    tree = statements[0]
    _check_tree(tree)
    qualified = _qualify(tree)
    _check_tree(qualified)
    _check_identifiers(qualified)
    _check_subqueries(qualified)
    columns = _output_contract(qualified)
    # Integer division differs between engines unless the types are known when the text is emitted.
    typed = annotate_types(qualified, schema=SCHEMA, dialect="postgres")
    emitted = typed.sql(dialect=write, comments=False)
    again = sqlglot.parse(emitted, read=write, error_level=sqlglot.ErrorLevel.RAISE)
    if len(again) != 1 or again[0] is None:
        raise SqlRefused("sql_node_forbidden", "The query changes its meaning when rewritten. Write it more plainly.")
    _check_tree(again[0])
    return CheckedQuery(
        sql=sql,
        emitted=emitted,
        columns=columns,
        has_person_id="person_id" in columns,
        has_accession_id="accession_id" in columns,
        sha256=hashlib.sha256(sql.encode()).hexdigest(),
    )


def _qualify(tree: exp.Expr) -> exp.Expr:
    try:
        return qualify(
            tree.copy(),
            schema=SCHEMA,
            db="omop",
            dialect="postgres",
            validate_qualify_columns=True,
            expand_stars=True,
            identify=True,
        )
    except OptimizeError as error:
        name = _unknown_column(str(error))
        raise SqlRefused(
            "sql_unknown_column",
            f"The column {name} is not among those that may be asked of these tables.",
            *_position(tree, name),
        ) from None


def _unknown_column(text: str) -> str:
    """The column's name out of sqlglot's message; it comes from the user's own text."""
    quoted = [part for part in text.replace('"', "'").split("'") if part.replace("_", "").isalnum()]
    return quoted[-1] if quoted else "named here"


def _position(tree: exp.Expr, name: str) -> tuple[int | None, int | None]:
    for identifier in tree.find_all(exp.Identifier):
        if identifier.this == name and "line" in identifier.meta:
            return identifier.meta["line"], identifier.meta["col"]
    return None, None


def _where(node: exp.Expr) -> tuple[int | None, int | None]:
    for inner in node.walk():
        if "line" in inner.meta:
            return inner.meta["line"], inner.meta["col"]
    return None, None


def _check_tree(tree: exp.Expr) -> None:
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery):
        raise SqlRefused("sql_node_forbidden", "Only SELECT is allowed.", *_where(tree))
    nodes = list(tree.walk())
    if len(nodes) > MAX_NODES or _depth(tree) > MAX_DEPTH:
        raise SqlRefused("sql_too_complex", "The query has too many parts or is nested too deeply. Simplify it.")
    if sum(isinstance(n, exp.Join) for n in nodes) > MAX_JOINS:
        raise SqlRefused("sql_too_complex", f"More than {MAX_JOINS} joins. Simplify the query.")
    for node in nodes:
        _check_node(node)
    _check_tables(tree, nodes)


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
        raise SqlRefused("sql_node_forbidden", text, *_where(node))
    refusal = ""
    match node:
        case exp.Select():
            refusal = next((k for k, v in node.args.items() if v and k not in SELECT_ARGS), "")
            if node.args.get("kind"):
                refusal = "SELECT AS"
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
        case exp.Column():
            refusal = "a column with a schema" if node.args.get("db") or node.args.get("catalog") else ""
        case exp.Literal():
            refusal = "a literal of more than 256 characters" if len(node.this) > MAX_LITERAL else ""
        case exp.Join():
            _check_join(node)
        case _:
            pass
    if refusal:
        raise SqlRefused("sql_node_forbidden", f"{refusal} is not allowed in a cohort query.", *_where(node))


def _check_join(join: exp.Join) -> None:
    """An equality between two sources: a cross join is how a small query becomes an endless one."""
    if join.args.get("method") or join.args.get("kind") not in (None, "", "INNER", "OUTER", "CROSS"):
        raise SqlRefused("sql_node_forbidden", "Use INNER or LEFT JOIN.", *_where(join))
    using: list[exp.Expr] = join.args.get("using") or []
    if using and all(column.name.lower() in IDENTIFIERS for column in using):
        return
    on = join.args.get("on")
    conditions = list(on.flatten()) if isinstance(on, exp.And) else [on]
    for condition in conditions:
        if isinstance(condition, exp.Paren):
            condition = condition.this
        if isinstance(condition, exp.EQ):
            left, right = condition.this, condition.expression
            both = isinstance(left, exp.Column) and isinstance(right, exp.Column)
            if both and left.table and right.table and left.table != right.table and _ties(left, right):
                return
    text = "Each join needs `a.x = b.x` on an identifier such as person_id, or a concept id of a vocabulary table."
    raise SqlRefused("sql_join_condition", text, *_where(join))


def _ties(left: exp.Column, right: exp.Column) -> bool:
    """Joining persons by anything else than an identifier lets one person's property select many."""
    names = {left.name.lower(), right.name.lower()}
    return (len(names) == 1 and names <= IDENTIFIERS) or bool(names & VOCABULARY_KEYS)


def _check_tables(tree: exp.Expr, nodes: list[exp.Expr]) -> None:
    """A name is a CTE only where its scope says so: elsewhere the same name is a real table."""
    resolved: set[int] = set()
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                resolved.add(id(source))
                if (source.db.lower() or "omop") != "omop" or source.name.lower() not in OMOP:
                    text = f"There is no table {source.name} to ask. Use the tables of `omop`."
                    raise SqlRefused("sql_unknown_table", text, *_where(source))
    for node in nodes:
        if isinstance(node, exp.Table) and id(node) not in resolved and node.db:
            raise SqlRefused("sql_unknown_table", f"There is no table {node.name} to ask.", *_where(node))


def _check_identifiers(tree: exp.Expr) -> None:
    """Identifiers may be joined, grouped, counted and selected under their own name; no more.

    A value compared with one, an alias, a rank ordered by one: each is a way around suppression (differencing).
    """
    for column in tree.find_all(exp.Column):
        if column.name.lower() in IDENTIFIERS and not _harmless(column):
            text = (
                f"{column.name} may be joined, grouped, counted or selected as it is; other uses single out a person."
            )
            raise SqlRefused("sql_identifier_literal", text, *_where(column))
    for select in tree.find_all(exp.Select):
        if not (select.args.get("from_") or select.args.get("from")):
            raise SqlRefused("sql_output_contract", "Each SELECT needs a FROM.", *_where(select))
        for projection in select.selects:
            name, inner = projection.alias_or_name.lower(), projection.unalias()
            same = isinstance(inner, exp.Column) and inner.name.lower() == name
            if name in IDENTIFIERS and not same:
                text = f"{name} must be selected as it is, not computed or renamed into."
                raise SqlRefused("sql_output_contract", text, *_where(projection))
    for union in tree.find_all(exp.SetOperation):
        _check_branches(union)
    for window in tree.find_all(exp.Window):
        partition: list[exp.Expr] = window.args.get("partition_by") or []
        keys = {column.name.lower() for key in partition for column in key.find_all(exp.Column)}
        if not keys & IDENTIFIERS:
            text = "A window needs PARTITION BY person_id (or another identifier): over all, it picks persons out."
            raise SqlRefused("sql_identifier_literal", text, *_where(window))
    for alias in tree.find_all(exp.TableAlias):
        if alias.args.get("columns"):
            raise SqlRefused("sql_node_forbidden", "Name columns with AS, not in the table's alias.", *_where(alias))


def _check_branches(union: exp.SetOperation) -> None:
    """The columns of a UNION take the names of its first branch; the others must bring the same identifiers."""
    first, *others = _branches(union)
    if any(len(branch.selects) != len(first.selects) for branch in others):
        raise SqlRefused("sql_syntax", "Each part of the UNION must select as many columns.", *_where(union))
    for position, name in enumerate(first.named_selects):
        for branch in others:
            selects = branch.selects
            inner = selects[position].unalias()
            found = inner.name.lower() if isinstance(inner, exp.Column) else ""
            if name.lower() != found and (name.lower() in IDENTIFIERS or found in IDENTIFIERS):
                text = f"Each part of the UNION must select {name} at the same place, as it is."
                raise SqlRefused("sql_output_contract", text, *_where(branch))


def _harmless(column: exp.Column) -> bool:
    parent = column.parent
    match parent:
        case exp.Alias():
            return parent.alias.lower() == column.name.lower()
        case exp.Select() | exp.Group() | exp.Count() | exp.Is():
            return True
        case exp.Distinct():
            return isinstance(parent.parent, exp.Count | exp.Select)
        case exp.Window():
            return column.arg_key == "partition_by"
        case exp.Ordered():
            return parent.find_ancestor(exp.Window, exp.Select) is None or isinstance(
                parent.find_ancestor(exp.Window, exp.Select), exp.Select
            )
        case exp.In():
            query = parent.args.get("query")
            same = frozenset({column.name.lower()})
            return column.arg_key == "this" and query is not None and _selects_only(query, same)
        case exp.EQ():
            return _is_link(parent)
        case _:
            return False


def _selects_only(query: exp.Expr, names: frozenset[str]) -> bool:
    """True if every branch of the subquery gives one real column of these names, not a value dressed as one."""
    for branch in _branches(query.unnest()):
        inner = [projection.unalias() for projection in branch.selects]
        if len(inner) != 1 or not isinstance(inner[0], exp.Column) or inner[0].name.lower() not in names:
            return False
    return True


def _is_link(equality: exp.EQ) -> bool:
    """The same identifier on both sides: ids of different kinds are both small numbers and select by number."""
    left, right = equality.this, equality.expression
    both = isinstance(left, exp.Column) and isinstance(right, exp.Column)
    return both and left.name.lower() == right.name.lower() and left.name.lower() in IDENTIFIERS


def _check_subqueries(tree: exp.Expr) -> None:
    """A subquery about other persons, not tied to this one, answers a question about them for everybody."""
    for exists in tree.find_all(exp.Exists):
        query = exists.this
        inner = {s.alias_or_name for s in query.find_all(exp.Table, exp.Subquery)}
        where = query.args.get("where")
        conjuncts = list(where.this.flatten()) if where and isinstance(where.this, exp.And) else [where and where.this]
        links = [e for e in conjuncts if isinstance(e, exp.EQ) and _is_link(e)]
        tied = any((e.this.table in inner) != (e.expression.table in inner) for e in links)
        if not tied:
            text = "EXISTS must be tied to the outer query by an identifier, such as person_id."
            raise SqlRefused("sql_join_condition", text, *_where(exists))
    for within in tree.find_all(exp.In):
        query = within.args.get("query")
        identifier = isinstance(within.this, exp.Column) and within.this.name.lower() in IDENTIFIERS
        if query is not None and not identifier and not _selects_only(query, VOCABULARY_KEYS):
            text = "IN (SELECT …) compares an identifier with the same identifier, or a concept with a vocabulary's."
            raise SqlRefused("sql_join_condition", text, *_where(within))
    for subquery in tree.find_all(exp.Subquery):
        if not isinstance(subquery.parent, exp.From | exp.Join | exp.In | exp.SetOperation | exp.Subquery | exp.CTE):
            text = "A subquery as a value is not allowed in a cohort query. Join it."
            raise SqlRefused("sql_node_forbidden", text, *_where(subquery))


def _output_contract(tree: exp.Expr) -> tuple[str, ...]:
    """The result must be a cohort: whose rows, by bare identifier columns; the same rows each time it runs."""
    query = tree.unnest() if isinstance(tree, exp.Subquery) else tree
    branches = list(_branches(query))
    columns = tuple(name.lower() for name in branches[0].named_selects)
    if len(set(columns)) != len(columns):
        raise SqlRefused("sql_output_contract", "Two columns of the result have the same name. Rename one with AS.")
    identifiers = [c for c in ("person_id", "accession_id") if c in columns]
    if not identifiers:
        text = "The query must select person_id or accession_id, so that the cohort is known."
        raise SqlRefused("sql_output_contract", text)
    for select in tree.find_all(exp.Select, exp.SetOperation):
        if select.args.get("limit") or select.args.get("offset"):
            text = "A cohort is everybody who matches: LIMIT and OFFSET would pick persons out."
            raise SqlRefused("sql_output_contract", text, *_where(select))
        distinct = select.args.get("distinct")
        if isinstance(distinct, exp.Distinct) and distinct.args.get("on"):
            raise SqlRefused("sql_node_forbidden", "DISTINCT ON is not allowed in a cohort query.", *_where(select))
    return columns


def _branches(query: exp.Expr) -> Iterator[exp.Select]:
    if isinstance(query, exp.SetOperation):
        yield from _branches(query.left.unnest())
        yield from _branches(query.right.unnest())
    elif isinstance(query, exp.Select):
        yield query
    else:
        raise SqlRefused("sql_node_forbidden", "Only SELECT is allowed.")

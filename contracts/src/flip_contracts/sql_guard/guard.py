"""The cohort-SQL guard: parse, allow-list every node, resolve tables per scope, qualify, re-emit, parse again.

Only text that this module emitted from a checked tree ever reaches an engine. The guard is one layer; the engine's own
lock-down is the other.
"""

import hashlib
import logging
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, SqlglotError
from sqlglot.optimizer.qualify import qualify

from flip_contracts.sql_guard.emit import emit
from flip_contracts.sql_guard.grouping import check_grouping
from flip_contracts.sql_guard.nodes import check_nodes
from flip_contracts.sql_guard.people import check_people, merge_using, output_columns
from flip_contracts.sql_guard.refusal import SqlRefused, place
from flip_contracts.sql_guard.schema import OMOP, Columns
from flip_contracts.sql_guard.total import make_total

MAX_LENGTH = 20_000
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would log the text of a query


@dataclass(frozen=True)
class CheckedQuery:
    """`emitted` is what an engine may run; `sha256` is of the text as written, which is what people approve."""

    sql: str
    emitted: str
    columns: tuple[str, ...]
    has_person_id: bool
    has_accession_id: bool
    sha256: str


def check(sql: str, *, write: str = "duckdb", schema: str = "omop", columns: Columns = OMOP) -> CheckedQuery:
    """Check PostgreSQL-dialect cohort SQL over `omop.*` and re-emit it for the engine `write`.

    `columns` is what a trust lets be asked; `schema` is where its engine keeps these tables. Raises `SqlRefused`.
    Pure and CPU-bound: at most a second for hostile input, milliseconds for honest one; `worker` bounds it.
    """
    if len(sql) > MAX_LENGTH:
        raise SqlRefused("sql_too_long", f"The query is longer than {MAX_LENGTH} characters. Shorten it.")
    if any(ord(c) < 32 and c not in "\t\n\r" for c in sql):
        raise SqlRefused("sql_syntax", "The query holds control characters. Remove them.")
    try:
        return _check(sql, write, schema, columns)
    except SqlRefused as refusal:
        if refusal.line is None and refusal.code == "sql_node_forbidden":  # not the tree of a query: at its first word
            raise SqlRefused(refusal.code, refusal.message, *_start(sql)) from None
        raise
    except RecursionError:
        raise SqlRefused("sql_too_complex", "The query is nested too deeply. Simplify it.") from None
    except ParseError as error:
        where = error.errors[0] if error.errors else {}
        described = str(where.get("description", "it cannot be parsed")).split(" but got")[0]
        text = f"The query is not valid SQL: {described}."
        raise SqlRefused("sql_syntax", text, where.get("line"), where.get("col")) from None
    except (SqlglotError, AttributeError, TypeError, ValueError, KeyError, IndexError, ArithmeticError):
        # The parser itself trips over some malformed text; to the writer that is the same thing.
        raise SqlRefused("sql_syntax", "The query is not valid SQL (PostgreSQL dialect).") from None


def _check(sql: str, write: str, schema: str, columns: Columns) -> CheckedQuery:
    statements = sqlglot.parse(sql, read="postgres", error_level=sqlglot.ErrorLevel.RAISE)
    if len(statements) != 1 or statements[0] is None:
        text = "Write exactly one SELECT statement, without a second after `;`."
        raise SqlRefused("sql_not_single_statement", text, *_second(sql))
    tree = statements[0]
    check_nodes(tree, columns, "omop")
    qualified = _qualify(tree, columns)
    check_nodes(qualified, columns, "omop")
    merge_using(qualified)
    check_people(qualified)
    selected = output_columns(qualified)
    check_grouping(qualified)
    make_total(qualified, columns)
    emitted = emit(qualified, write, schema)
    again = sqlglot.parse(emitted, read=write, error_level=sqlglot.ErrorLevel.RAISE)
    if len(again) != 1 or again[0] is None:
        raise SqlRefused("sql_node_forbidden", "The query changes its meaning when rewritten. Write it more plainly.")
    check_nodes(again[0], columns, schema)
    return CheckedQuery(
        sql=sql,
        emitted=emitted,
        columns=selected,
        has_person_id="person_id" in selected,
        has_accession_id="accession_id" in selected,
        sha256=hashlib.sha256(sql.encode()).hexdigest(),
    )


def _qualify(tree: exp.Expr, columns: Columns) -> exp.Expr:
    try:
        return qualify(
            tree.copy(),
            schema={"omop": columns},
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


def _start(sql: str) -> tuple[int, int]:
    return _at(sql, len(sql) - len(sql.lstrip()))


def _second(sql: str) -> tuple[int, int]:
    """Where the second statement begins, or else the text."""
    tokens = sqlglot.tokenize(sql, read="postgres")
    ends = [i for i, token in enumerate(tokens[:-1]) if token.text == ";"]
    return _at(sql, tokens[ends[0] + 1].start) if ends else (1, 1)


def _at(sql: str, offset: int) -> tuple[int, int]:
    before = sql[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _unknown_column(text: str) -> str:
    """The column's name out of sqlglot's message; it comes from the user's own text."""
    parts = [part.rpartition(".")[2] for part in text.removeprefix("Unknown column: ").replace('"', "'").split("'")]
    names = [part for part in parts if part.replace("_", "").isalnum()]
    return names[-1] if names else "named here"


def _position(tree: exp.Expr, name: str) -> tuple[int | None, int | None]:
    for identifier in tree.find_all(exp.Identifier):
        if identifier.this == name and "line" in identifier.meta:
            return place(identifier)
    return None, None

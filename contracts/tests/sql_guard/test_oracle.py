"""PostgreSQL's own parser (pglast; GPL, a development tool only) reads what the guard emits as the guard meant it."""

from typing import Any

import pytest
from contracts.tests.sql_guard.corpus import paragraphs
from contracts.tests.sql_guard.grammar import queries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flip_contracts.sql_guard import SqlRefused, check
from flip_contracts.sql_guard.schema import OMOP

pglast = pytest.importorskip("pglast", reason="requirements-dev.txt has it; without, PostgreSQL's parser is not asked")

LEGIT = list(paragraphs("legit.sql").values())
_NODES = """RawStmt SelectStmt ResTarget ColumnRef String Integer Float Boolean A_Const A_Expr BoolExpr NullTest FuncCall
    TypeCast TypeName SubLink CaseExpr CaseWhen CoalesceExpr MinMaxExpr SortBy RangeVar RangeSubselect Alias JoinExpr
    WithClause CommonTableExpr WindowDef A_Star SQLValueFunction BitString"""
NODES = frozenset(_NODES.split())
_FUNCTIONS = """count sum avg min max stddev stddev_samp stddev_pop variance var_samp var_pop percentile_cont percentile_disc
    median floor ceil ceiling round abs ln log sqrt power extract date_trunc timestamp_trunc upper lower trim btrim
    ltrim rtrim substring length char_length position strpos concat trunc row_number rank dense_rank lag lead
    first_value last_value ntile mod date_part nullif"""
FUNCTIONS = frozenset(_FUNCTIONS.split())


def walk(node: Any) -> list[Any]:
    found: list[Any] = []
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, tuple | list):
            stack.extend(current)
        elif isinstance(current, pglast.ast.Node):
            found.append(current)
            stack.extend(getattr(current, name) for name in current)
    return found


def of(nodes: list[Any], kind: str) -> list[Any]:
    return [node for node in nodes if type(node).__name__ == kind]


def functions(nodes: list[Any]) -> set[str]:
    return {".".join(part.sval for part in call.funcname).removeprefix("pg_catalog.") for call in of(nodes, "FuncCall")}


def seen_by_postgres(sql: str) -> tuple[list[Any], set[str]]:
    """Nodes, and the tables that are read."""
    nodes = walk(pglast.parse_sql(sql))
    ctes = {cte.ctename for cte in of(nodes, "CommonTableExpr")}
    real = {t.relname.lower() for t in of(nodes, "RangeVar") if t.schemaname or t.relname not in ctes}
    return nodes, real


def agreed(sql: str) -> bool:
    """False if the guard refuses; otherwise both readings must be of the same tables and of nothing else."""
    try:
        checked = check(sql, write="postgres", schema="cohort")
    except SqlRefused:
        return False
    nodes, tables = seen_by_postgres(checked.emitted)
    (select,) = of(nodes, "RawStmt")
    assert type(select.stmt).__name__ == "SelectStmt"
    assert {type(node).__name__ for node in nodes} <= NODES
    assert {t.schemaname for t in of(nodes, "RangeVar") if t.relname in tables} <= {"cohort"}
    assert tables <= set(OMOP)
    assert functions(nodes) <= FUNCTIONS
    for each in of(nodes, "SelectStmt"):
        clauses = ("lockingClause", "intoClause", "limitCount", "limitOffset", "valuesLists")
        assert [clause for clause in clauses if getattr(each, clause)] == []
    try:
        raw, written = seen_by_postgres(sql)
    except pglast.parser.ParseError:
        return True  # laxer syntax than PostgreSQL's; what was emitted is what runs
    assert written == tables
    assert len(of(raw, "RawStmt")) == 1
    return True


def test_postgresql_reads_every_honest_query_as_the_guard_does():
    assert [sql for sql in LEGIT if not agreed(sql)] == []


SETTINGS = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@settings(SETTINGS, max_examples=60)
@given(queries(2))
def test_postgresql_reads_generated_queries_as_the_guard_does(sql: str):
    agreed(sql)


_WORDS = """U&"a" U&'a' E'\\'' $$a$$ B'1' ; -- /* */ ( ) , * AS "pg_authid" pg_authid omop.note note_text UNION SELECT FROM
    LATERAL ONLY FOR UPDATE INTO TABLESAMPLE :: regclass pg_sleep(1) WITH RECURSIVE person COLLATE "C" OPERATOR(+) ~
    EXCEPT VALUES ROW ARRAY[1] IS DISTINCT NULLS FIRST WINDOW w OVER"""
WORDS = st.sampled_from(_WORDS.split())


@settings(SETTINGS, max_examples=120)
@given(st.sampled_from(LEGIT), st.lists(st.tuples(st.integers(0, 80), WORDS), min_size=1, max_size=3))
def test_postgresql_reads_mutated_queries_as_the_guard_does(sql: str, words: list[tuple[int, str]]):
    tokens = sql.split()
    for at, word in words:
        tokens.insert(at % (len(tokens) + 1), word)
    agreed(" ".join(tokens))

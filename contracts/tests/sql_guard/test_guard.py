"""The guard refuses what is not a cohort, and says why; what it accepts comes back as text it wrote itself."""

import re

import pytest
import sqlglot
from contracts.tests.sql_guard.corpus import paragraphs
from hypothesis import given, settings
from hypothesis import strategies as st

from flip_contracts.sql_guard import CheckedQuery, SqlRefused, check
from flip_contracts.sql_guard.schema import OMOP

NODE, TABLE, COLUMN = "sql_node_forbidden", "sql_unknown_table", "sql_unknown_column"
SYNTAX, STACKED, COMPLEX = "sql_syntax", "sql_not_single_statement", "sql_too_complex"
JOIN, LITERAL, OUTPUT, LONG = "sql_join_condition", "sql_identifier_literal", "sql_output_contract", "sql_too_long"

# (name, query, the codes it may be refused with)
ATTACKS: list[tuple[str, str, set[str]]] = [
    # what stands for a name in one scope only
    ("shadow", "WITH pg_authid AS (SELECT * FROM pg_authid) SELECT * FROM pg_authid", {TABLE}),
    (
        "shadow elsewhere",
        "SELECT p.person_id, (WITH pg_authid AS (SELECT 1 AS x) SELECT x FROM pg_authid) AS y, a.rolname "
        "FROM omop.person AS p JOIN pg_authid AS a ON a.oid = p.person_id",
        {TABLE, JOIN, NODE},
    ),
    (
        "cte named like another schema's table",
        "WITH secrets AS (SELECT person_id FROM omop.person) SELECT person_id FROM omop.secrets",
        {TABLE},
    ),
    (
        "cte leaks out of a subquery",
        "SELECT person_id FROM (WITH note AS (SELECT person_id FROM omop.person) SELECT person_id FROM note) AS a "
        "JOIN note AS n ON n.person_id = a.person_id",
        {TABLE, COLUMN},
    ),
    (
        "recursive",
        "WITH RECURSIVE r AS (SELECT 1 AS person_id UNION ALL SELECT person_id + 1 FROM r) SELECT person_id FROM r",
        {NODE, TABLE},
    ),
    # two readers of one text
    (
        "unicode identifier",
        "SELECT U&\"pg\\005fread\\005ffile\"('/etc/passwd') AS x, person_id FROM omop.person",
        {NODE},
    ),
    ("unicode string", "SELECT person_id, U&'\\0061' AS x FROM omop.person", {NODE, SYNTAX}),
    ("escape string", "SELECT person_id, E'\\047' AS x FROM omop.person", {NODE, SYNTAX}),
    ("bytes", "SELECT person_id, B'101' AS x FROM omop.person", {NODE, SYNTAX}),
    ("dollar quotes", "SELECT person_id, $$text$$ AS x FROM omop.person", {NODE, SYNTAX}),
    ("quoted name with odd characters", 'SELECT person_id AS "x;--" FROM omop.person', {NODE}),
    ("non-ascii name", "SELECT person_id AS pérson FROM omop.person", {NODE, SYNTAX, OUTPUT}),
    ("null byte", "SELECT person_id\x00 FROM omop.person", {SYNTAX}),
    ("escape character", "SELECT person_id FROM omop.person \x1b", {SYNTAX}),
    # SQL inside a string
    ("query_to_xml", "SELECT person_id, query_to_xml('select 1', true, true, '') FROM omop.person", {NODE}),
    ("table_to_xml", "SELECT person_id, table_to_xml('pg_authid', true, true, '') FROM omop.person", {NODE}),
    ("database_to_xml", "SELECT person_id, database_to_xml(true, true, '') FROM omop.person", {NODE}),
    ("ts_stat", "SELECT word FROM ts_stat('select 1')", {NODE}),
    ("duckdb query", "SELECT person_id FROM query('select 1 as person_id')", {NODE}),
    ("duckdb query_table", "SELECT person_id FROM query_table('person')", {NODE}),
    # functions in FROM
    ("pg_ls_dir", "SELECT * FROM pg_ls_dir('/')", {NODE}),
    ("rows from", "SELECT * FROM ROWS FROM (pg_ls_dir('/')) AS x", {NODE, SYNTAX}),
    (
        "lateral function",
        "SELECT p.person_id FROM omop.person AS p, LATERAL pg_ls_dir('/') AS x",
        {NODE, JOIN},
    ),
    ("generate_series", "SELECT person_id FROM generate_series(1, 1000000000) AS g(person_id)", {NODE}),
    ("unnest", "SELECT person_id FROM unnest(ARRAY[1, 2]) AS g(person_id)", {NODE}),
    ("read_csv", "SELECT person_id FROM read_csv('/etc/passwd')", {NODE}),
    ("read_parquet", "SELECT person_id FROM read_parquet('/tmp/x.parquet')", {NODE}),
    ("glob", "SELECT person_id FROM glob('/*')", {NODE, SYNTAX}),
    ("values", "SELECT person_id FROM (VALUES (1), (2)) AS v(person_id)", {NODE}),
    ("file as a table", 'SELECT person_id FROM "/etc/passwd"', {NODE}),
    ("file as a table in quotes", "SELECT person_id FROM '/etc/passwd'", {NODE, SYNTAX, TABLE}),
    ("python variable", "SELECT person_id FROM secret_df", {TABLE}),
    # functions
    ("pg_sleep", "SELECT person_id, pg_sleep(10) FROM omop.person", {NODE}),
    ("pg_sleep_for", "SELECT person_id, pg_sleep_for('1 day') FROM omop.person", {NODE}),
    ("pg_read_file", "SELECT person_id, pg_read_file('/etc/passwd') FROM omop.person", {NODE}),
    ("pg_read_binary_file", "SELECT person_id, pg_read_binary_file('/etc/passwd') FROM omop.person", {NODE}),
    ("lo_from_bytea", "SELECT person_id, lo_from_bytea(0, 'x') FROM omop.person", {NODE}),
    ("lo_import", "SELECT person_id, lo_import('/etc/passwd') FROM omop.person", {NODE}),
    ("advisory lock", "SELECT person_id, pg_advisory_lock(1) FROM omop.person", {NODE}),
    ("notify", "SELECT person_id, pg_notify('a', 'b') FROM omop.person", {NODE}),
    ("current_setting", "SELECT person_id, current_setting('port') FROM omop.person", {NODE}),
    ("set_config", "SELECT person_id, set_config('a.b', 'c', false) FROM omop.person", {NODE}),
    ("getenv", "SELECT person_id, getenv('HOME') AS x FROM omop.person", {NODE}),
    ("version", "SELECT person_id, version() FROM omop.person", {NODE}),
    ("current_user", "SELECT person_id, current_user FROM omop.person", {NODE}),
    ("random", "SELECT person_id FROM omop.person WHERE random() < 0.5", {NODE}),
    ("repeat", "SELECT person_id, repeat('x', 1000000000) AS x FROM omop.person", {NODE}),
    ("array_agg", "SELECT person_id, array_agg(year_of_birth) FROM omop.person GROUP BY person_id", {NODE}),
    ("string_agg", "SELECT person_id, string_agg('x', ',') FROM omop.person GROUP BY person_id", {NODE}),
    ("regexp", "SELECT person_id FROM omop.concept AS c WHERE c.concept_name ~ '(a+)+$'", {NODE, COLUMN}),
    ("schema-qualified function", "SELECT person_id, pg_catalog.version() FROM omop.person", {NODE}),
    (
        "odd operator",
        "SELECT person_id FROM omop.person WHERE year_of_birth OPERATOR(pg_catalog.=) 1950",
        {NODE, SYNTAX},
    ),
    ("cast to regclass", "SELECT person_id, 'pg_authid'::regclass AS x FROM omop.person", {NODE}),
    ("cast to json", "SELECT person_id, '{}'::json AS x FROM omop.person", {NODE}),
    # whole rows and hidden columns
    ("whole row", "SELECT p.person_id, p FROM omop.person AS p", {NODE, COLUMN}),
    ("row_to_json", "SELECT p.person_id, row_to_json(p) FROM omop.person AS p", {NODE, COLUMN}),
    ("composite", "SELECT person_id, (p).person_source_value FROM omop.person AS p", {NODE, COLUMN, SYNTAX}),
    ("ctid", "SELECT person_id, ctid FROM omop.person", {NODE, COLUMN}),
    ("tableoid", "SELECT person_id, tableoid FROM omop.person", {NODE, COLUMN}),
    ("rowid", "SELECT person_id, rowid FROM omop.person", {NODE, COLUMN}),
    ("duckdb columns", "SELECT person_id, COLUMNS('.*') FROM omop.person", {NODE}),
    ("source value", "SELECT person_id, person_source_value FROM omop.person", {COLUMN}),
    ("source value, quoted", 'SELECT person_id, "person_source_value" FROM omop.person', {COLUMN}),
    ("source value in WHERE", "SELECT person_id FROM omop.person WHERE person_source_value = 'CANARY'", {COLUMN}),
    (
        "source value in a subquery",
        "SELECT person_id FROM (SELECT person_id, condition_source_value FROM omop.condition_occurrence) AS c",
        {COLUMN},
    ),
    (
        "source value in USING",
        "SELECT a.person_id FROM omop.person AS a JOIN omop.person AS b USING (person_source_value)",
        {COLUMN, JOIN},
    ),
    ("source value in ORDER BY", "SELECT person_id FROM omop.person ORDER BY person_source_value", {COLUMN}),
    ("column from afar", "SELECT omop.person.person_source_value, person_id FROM omop.person", {NODE, COLUMN}),
    ("birth day", "SELECT person_id, day_of_birth FROM omop.person", {COLUMN}),
    ("file of an image", "SELECT accession_id, local_path FROM omop.image_occurrence", {COLUMN}),
    ("free text", "SELECT person_id, value_as_string FROM omop.observation", {COLUMN}),
    # other tables
    ("note", "SELECT person_id FROM omop.secrets", {TABLE}),
    ("other schema", "SELECT person_id FROM omop_raw.person", {TABLE}),
    ("other catalog", "SELECT person_id FROM other.omop.person", {NODE, TABLE}),
    ("pg_catalog", "SELECT person_id FROM pg_catalog.pg_authid", {TABLE}),
    ("information_schema", "SELECT table_name AS person_id FROM information_schema.tables", {TABLE}),
    ("duckdb_tables", "SELECT person_id FROM duckdb_tables()", {NODE}),
    ("sqlite_schema", "SELECT person_id FROM sqlite_schema", {TABLE}),
    ("pg table in EXISTS", "SELECT person_id FROM omop.person WHERE EXISTS (SELECT 1 FROM pg_authid)", {TABLE}),
    ("pg table in a union", "SELECT person_id FROM omop.person UNION SELECT oid FROM pg_authid", {TABLE}),
    ("ONLY", "SELECT person_id FROM ONLY omop.person", {NODE, SYNTAX}),
    ("table sample", "SELECT person_id FROM omop.person TABLESAMPLE SYSTEM (1)", {NODE}),
    # other statements
    ("stacked", "SELECT person_id FROM omop.person; DROP TABLE omop.person", {STACKED}),
    ("stacked selects", "SELECT person_id FROM omop.person; SELECT 1", {STACKED}),
    ("nothing", "", {STACKED}),
    ("blank", " \n\t ", {STACKED}),
    ("only a comment", "-- nothing", {STACKED, SYNTAX}),
    ("delete", "DELETE FROM omop.person", {NODE}),
    ("update", "UPDATE omop.person SET year_of_birth = 1", {NODE}),
    ("insert", "INSERT INTO omop.person SELECT * FROM omop.person", {NODE}),
    ("writing CTE", "WITH d AS (DELETE FROM omop.person RETURNING person_id) SELECT person_id FROM d", {NODE, SYNTAX}),
    ("create as", "CREATE TABLE x AS SELECT person_id FROM omop.person", {NODE}),
    ("copy", "COPY omop.person TO '/tmp/x'", {NODE, SYNTAX}),
    ("copy program", "COPY (SELECT 1) TO PROGRAM 'id'", {NODE, SYNTAX}),
    ("do block", "DO $$ BEGIN PERFORM 1; END $$", {NODE, SYNTAX, STACKED}),
    ("set", "SET statement_timeout = 0", {NODE, SYNTAX}),
    ("explain", "EXPLAIN SELECT person_id FROM omop.person", {NODE, SYNTAX}),
    ("prepare", "PREPARE x AS SELECT 1", {NODE, SYNTAX}),
    ("attach", "ATTACH '/tmp/x.db' AS x", {NODE, SYNTAX}),
    ("pragma", "PRAGMA database_list", {NODE, SYNTAX}),
    ("install", "INSTALL httpfs", {NODE, SYNTAX}),
    ("values statement", "VALUES (1)", {NODE}),
    # more than a SELECT in a SELECT
    ("for update", "SELECT person_id FROM omop.person FOR UPDATE", {NODE}),
    ("for share in a subquery", "SELECT person_id FROM (SELECT person_id FROM omop.person FOR SHARE) AS x", {NODE}),
    ("into", "SELECT person_id INTO copied FROM omop.person", {NODE}),
    ("distinct on a function", "SELECT DISTINCT ON (version()) person_id FROM omop.person", {NODE}),
    ("qualify", "SELECT person_id FROM omop.person QUALIFY row_number() OVER (ORDER BY person_id) = 1", {NODE, SYNTAX}),
    ("grouping sets", "SELECT person_id FROM omop.person GROUP BY GROUPING SETS ((person_id), ())", {NODE}),
    ("parameter", "SELECT person_id FROM omop.person WHERE year_of_birth = $1", {NODE, SYNTAX}),
    ("placeholder", "SELECT person_id FROM omop.person WHERE year_of_birth = ?", {NODE, SYNTAX}),
    # joins without end
    ("cross join", "SELECT a.person_id FROM omop.person AS a CROSS JOIN omop.person AS b", {JOIN}),
    ("comma join", "SELECT a.person_id FROM omop.person AS a, omop.person AS b", {JOIN}),
    ("join on true", "SELECT a.person_id FROM omop.person AS a JOIN omop.person AS b ON TRUE", {JOIN}),
    (
        "range join",
        "SELECT a.person_id FROM omop.person AS a JOIN omop.person AS b ON a.person_id < b.person_id",
        {JOIN},
    ),
    (
        "join by OR",
        "SELECT a.person_id FROM omop.person AS a JOIN omop.person AS b ON a.person_id = b.person_id OR 1 = 1",
        {JOIN},
    ),
    (
        "join on itself",
        "SELECT a.person_id FROM omop.person AS a JOIN omop.person AS b ON b.person_id = b.person_id",
        {JOIN},
    ),
    ("natural join", "SELECT person_id FROM omop.person NATURAL JOIN omop.death", {JOIN, NODE}),
    ("join on a literal", "SELECT a.person_id FROM omop.person AS a JOIN omop.death AS b ON a.person_id = 1", {JOIN}),
    # aim at one person
    ("id equals", "SELECT person_id FROM omop.person WHERE person_id = 17", {LITERAL}),
    ("id equals, turned round", "SELECT person_id FROM omop.person WHERE 17 = person_id", {LITERAL}),
    ("id in capitals", "SELECT person_id FROM omop.person WHERE PERSON_ID = 17", {LITERAL}),
    ("id is not", "SELECT person_id FROM omop.person WHERE NOT person_id = 17", {LITERAL}),
    ("id in a list", "SELECT person_id FROM omop.person WHERE person_id IN (1, 2)", {LITERAL}),
    ("id not in a list", "SELECT person_id FROM omop.person WHERE person_id NOT IN (1)", {LITERAL}),
    ("id between", "SELECT person_id FROM omop.person WHERE person_id BETWEEN 1 AND 9", {LITERAL}),
    ("id below", "SELECT person_id FROM omop.person WHERE person_id < 100", {LITERAL}),
    ("id by arithmetic", "SELECT person_id FROM omop.person WHERE person_id - year_of_birth = 5", {LITERAL}),
    ("id modulo", "SELECT person_id FROM omop.person WHERE person_id % 7 = 3", {LITERAL}),
    ("id by cast", "SELECT person_id FROM omop.person WHERE cast(person_id AS text) LIKE '17%'", {LITERAL}),
    ("accession", "SELECT accession_id FROM omop.image_occurrence WHERE accession_id = 'A1'", {LITERAL}),
    ("accession like", "SELECT accession_id FROM omop.image_occurrence WHERE accession_id LIKE 'A%'", {LITERAL}),
    ("accession ilike", "SELECT accession_id FROM omop.image_occurrence WHERE accession_id ILIKE 'a%'", {LITERAL}),
    ("visit", "SELECT person_id FROM omop.visit_occurrence WHERE visit_occurrence_id = 5", {LITERAL}),
    ("place", "SELECT person_id FROM omop.person WHERE location_id = 5", {LITERAL}),
    (
        "id in a CASE",
        "SELECT person_id FROM omop.person WHERE CASE WHEN person_id = 5 THEN TRUE ELSE FALSE END",
        {LITERAL},
    ),
    ("id in HAVING", "SELECT person_id FROM omop.person GROUP BY person_id HAVING max(person_id) = 4", {LITERAL}),
    (
        "id in a join",
        "SELECT a.person_id FROM omop.person AS a JOIN omop.death AS b "
        "ON a.person_id = b.person_id AND a.person_id = 5",
        {LITERAL},
    ),
    (
        "id in a filter",
        "SELECT person_id, count(*) FILTER (WHERE person_id = 3) AS n FROM omop.person GROUP BY person_id",
        {LITERAL},
    ),
    # what comes out
    ("no cohort", "SELECT year_of_birth FROM omop.person", {OUTPUT}),
    ("count", "SELECT count(*) AS n FROM omop.person", {OUTPUT}),
    ("computed id", "SELECT person_id + 1 AS person_id FROM omop.person", {OUTPUT, LITERAL}),
    ("aggregate id", "SELECT max(person_id) AS person_id FROM omop.person", {OUTPUT, LITERAL}),
    ("window id", "SELECT max(person_id) OVER () AS person_id FROM omop.person", {OUTPUT, LITERAL}),
    ("constant id", "SELECT 5 AS person_id FROM omop.person", {OUTPUT}),
    ("other column as the id", "SELECT year_of_birth AS person_id FROM omop.person", {OUTPUT}),
    (
        "computed id in a union",
        "SELECT person_id FROM omop.person UNION ALL SELECT year_of_birth FROM omop.person",
        {OUTPUT},
    ),
    (
        "constant id in a union",
        "SELECT person_id FROM omop.person EXCEPT SELECT 17 FROM omop.person",
        {OUTPUT, LITERAL},
    ),
    (
        "constant id by IN",
        "SELECT person_id FROM omop.person WHERE person_id IN (SELECT 17 FROM omop.person)",
        {OUTPUT, LITERAL},
    ),
    (
        "constant id by NOT IN",
        "SELECT person_id FROM omop.person WHERE person_id NOT IN (SELECT year_of_birth FROM omop.person)",
        {OUTPUT, LITERAL},
    ),
    (
        "id as a pair",
        "SELECT person_id FROM omop.person WHERE (person_id, year_of_birth) IN ((5, 1950))",
        {LITERAL, NODE},
    ),
    (
        "id as a pair, equals",
        "SELECT person_id FROM omop.person WHERE (person_id, year_of_birth) = (5, 1950)",
        {LITERAL, NODE},
    ),
    ("id in brackets", "SELECT person_id FROM omop.person WHERE (person_id) = 5", {LITERAL}),
    ("id by COALESCE", "SELECT person_id FROM omop.person WHERE coalesce(person_id, 0) = 5", {LITERAL}),
    ("id under an alias", "SELECT person_id, person_id AS x FROM omop.person", {LITERAL}),
    (
        "id under an alias in a subquery",
        "SELECT person_id FROM (SELECT person_id, person_id AS x FROM omop.person) AS q WHERE x = 5",
        {LITERAL},
    ),
    (
        "id renamed by the table's alias",
        "SELECT q.x, q.person_id FROM (SELECT person_id, year_of_birth FROM omop.person) AS q(x, person_id) "
        "WHERE x = 5",
        {LITERAL, NODE, OUTPUT, COLUMN},
    ),
    (
        "id renamed by the CTE's alias",
        "WITH q(x, person_id) AS (SELECT person_id, year_of_birth FROM omop.person) "
        "SELECT person_id FROM q WHERE x = 5",
        {LITERAL, NODE, OUTPUT, COLUMN},
    ),
    (
        "rank by id",
        "SELECT person_id FROM (SELECT person_id, row_number() OVER (ORDER BY person_id) AS r FROM omop.person) AS q "
        "WHERE r = 5",
        {LITERAL},
    ),
    (
        "boundary sweep",
        "SELECT person_id FROM omop.person WHERE year_of_birth = 1950 OR person_id IN (3, 5, 8)",
        {LITERAL},
    ),
    (
        "EXISTS about somebody else",
        "SELECT person_id FROM omop.person WHERE EXISTS "
        "(SELECT 1 FROM omop.death WHERE death_date > DATE '2024-01-01')",
        {JOIN},
    ),
    (
        "a subquery as a value",
        "SELECT person_id FROM omop.person WHERE year_of_birth > (SELECT avg(year_of_birth) FROM omop.person)",
        {NODE},
    ),
    (
        "join by a property",
        "SELECT a.person_id FROM omop.person AS a JOIN omop.person AS b ON a.year_of_birth = b.year_of_birth",
        {JOIN},
    ),
    ("no FROM", "SELECT 5 AS person_id", {OUTPUT}),
    ("distinct on", "SELECT DISTINCT ON (year_of_birth) person_id FROM omop.person", {NODE}),
    ("limit with an order", "SELECT person_id FROM omop.person ORDER BY year_of_birth LIMIT 5", {OUTPUT}),
    ("offset", "SELECT person_id FROM omop.person ORDER BY year_of_birth OFFSET 5", {OUTPUT}),
    (
        "fetch first",
        "SELECT person_id FROM omop.person ORDER BY month_of_birth FETCH FIRST 5 ROWS ONLY",
        {OUTPUT, NODE},
    ),
    (
        "rank by a property",
        "SELECT person_id FROM (SELECT person_id, row_number() OVER (ORDER BY year_of_birth) AS r FROM omop.person) "
        "AS q WHERE r <= 5",
        {NODE, LITERAL, OUTPUT},
    ),
    (
        "rank by nothing",
        "SELECT person_id FROM (SELECT person_id, row_number() OVER () AS r FROM omop.person) AS q WHERE r = 5",
        {NODE, LITERAL, OUTPUT},
    ),
    (
        "EXISTS tied by OR",
        "SELECT p.person_id FROM omop.person AS p WHERE EXISTS (SELECT 1 FROM omop.death AS d "
        "WHERE d.person_id = p.person_id OR d.death_date > DATE '2024-01-01')",
        {JOIN, LITERAL},
    ),
    (
        "EXISTS tied by NOT",
        "SELECT p.person_id FROM omop.person AS p WHERE EXISTS (SELECT 1 FROM omop.death AS d "
        "WHERE NOT (d.person_id = p.person_id))",
        {JOIN, LITERAL},
    ),
    (
        "EXISTS tied by IS NOT NULL",
        "SELECT p.person_id FROM omop.person AS p WHERE EXISTS (SELECT 1 FROM omop.death AS d "
        "WHERE (d.person_id = p.person_id) IS NOT NULL)",
        {JOIN, LITERAL},
    ),
    (
        "IN about somebody else",
        "SELECT person_id FROM omop.person WHERE 1 IN (SELECT count(*) FROM omop.person WHERE year_of_birth = 1931)",
        {NODE, JOIN, LITERAL},
    ),
    (
        "IN about an extreme",
        "SELECT person_id FROM omop.person WHERE year_of_birth IN (SELECT min(year_of_birth) FROM omop.person)",
        {NODE, JOIN, LITERAL},
    ),
    (
        "join of two kinds of id",
        "SELECT p.person_id FROM omop.person AS p JOIN omop.visit_occurrence AS v "
        "ON v.visit_occurrence_id = p.person_id",
        {JOIN, LITERAL},
    ),
    (
        "IN of another kind of id",
        "SELECT person_id FROM omop.person WHERE person_id IN (SELECT visit_occurrence_id FROM omop.visit_occurrence)",
        {LITERAL, OUTPUT, JOIN},
    ),
    ("same name twice", "SELECT person_id, year_of_birth AS person_id FROM omop.person", {OUTPUT}),
    ("limit", "SELECT person_id FROM omop.person LIMIT 5", {OUTPUT}),
    (
        "limit in a subquery",
        "SELECT person_id FROM omop.person WHERE person_id IN (SELECT person_id FROM omop.death LIMIT 5)",
        {OUTPUT, LITERAL},
    ),
    (
        "limit after a union",
        "SELECT person_id FROM omop.person UNION SELECT person_id FROM omop.death LIMIT 3",
        {OUTPUT},
    ),
    # bombs
    ("too long", "SELECT person_id FROM omop.person" + " " * 20_000, {LONG}),
    ("parentheses", "SELECT person_id FROM omop.person WHERE " + "(" * 9000 + "1" + ")" * 9000, {COMPLEX, SYNTAX}),
    (
        "long IN",
        "SELECT person_id FROM omop.person WHERE year_of_birth IN (" + ",".join(["1"] * 9000) + ")",
        {COMPLEX},
    ),
    ("nested CASE", "SELECT person_id, " + "CASE WHEN 1=1 THEN " * 700 + "1" + " END" * 700, {COMPLEX, SYNTAX}),
    ("minus chain", "SELECT person_id, " + "- " * 9000 + "1 AS x FROM omop.person", {COMPLEX, SYNTAX}),
    ("NOT chain", "SELECT person_id FROM omop.person WHERE " + "NOT " * 4000 + "TRUE", {COMPLEX, SYNTAX}),
    ("long AND", "SELECT person_id FROM omop.person WHERE 1=1" + " AND 1=1" * 2000, {COMPLEX}),
    ("nested subqueries", "SELECT person_id FROM (" * 300 + "omop.person" + ") AS x" * 300, {COMPLEX, SYNTAX, NODE}),
    ("union chain", " UNION ".join(["SELECT person_id FROM omop.person"] * 400), {COMPLEX}),
    (
        "thirteen joins",
        "SELECT p.person_id FROM omop.person AS p"
        + "".join(f" JOIN omop.death AS d{i} ON d{i}.person_id = p.person_id" for i in range(13)),
        {COMPLEX},
    ),
    ("long literal", f"SELECT person_id, '{'x' * 257}' AS x FROM omop.person", {NODE}),
    ("long name", f"SELECT person_id AS {'x' * 64}, person_id FROM omop.person", {NODE}),
    # comments that hide something
    (
        "comment hides the second",
        "SELECT person_id FROM omop.person /* ; */ ; -- \n DELETE FROM omop.person",
        {STACKED},
    ),
    ("nested comment", "SELECT person_id /* /* */ , version() /* */ */ FROM omop.secrets", {TABLE, SYNTAX, NODE}),
    ("open comment", "SELECT person_id FROM omop.person /* open", {SYNTAX}),
    ("version comment", "SELECT person_id /*! , version() */ FROM omop.secrets", {TABLE, NODE, SYNTAX}),
    ("no syntax", "SELEC person_id FORM omop.person", {SYNTAX, NODE}),
]

LEGIT = paragraphs("legit.sql")
# Each must be refused, whatever the code.
MORE_ATTACKS = paragraphs("attacks.sql")


def attack(name: str, sql: str, codes: set[str]):
    return pytest.param(sql, codes, id=name)


def paragraphs_of(corpus: dict[str, str]):
    return pytest.mark.parametrize("sql", corpus.values(), ids=corpus.keys())


def refusal(sql: str) -> SqlRefused:
    with pytest.raises(SqlRefused) as refused:
        check(sql)
    return refused.value


def emitted_tables(text: str) -> set[tuple[str, str]]:
    return {(t.db, t.name) for t in sqlglot.parse_one(text, read="duckdb").find_all(sqlglot.exp.Table)}


@pytest.mark.parametrize(("sql", "codes"), [attack(*row) for row in ATTACKS])
def test_an_attack_is_refused_with_its_code(sql: str, codes: set[str]):
    assert refusal(sql).code in codes


@paragraphs_of(MORE_ATTACKS)
def test_an_attack_of_the_corpus_is_refused_with_a_code_a_place_and_a_remedy(sql: str):
    refused = refusal(sql)
    assert refused.code.startswith("sql_")
    assert len(refused.message) > 20
    assert refused.line is not None
    assert refused.column is not None
    assert 1 <= refused.line <= sql.count("\n") + 1


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("\n  SET x = 1", (2, 3)),
        ("SELECT person_id FROM omop.person;\n  SELECT 2", (2, 3)),
        ("SELECT person_id,\n note_text FROM omop.note", (2, 2)),
        ("SELECT person_id FROM omop.person WHERE power(power(year_of_birth, 8), 9) > 1", (1, 41)),
        ("SELECT person_id FROM omop.person WHERE count(*) > 3", (1, 41)),
    ],
)
def test_a_refusal_points_at_the_word(sql: str, place: tuple[int, int]):
    assert (refusal(sql).line, refusal(sql).column) == place


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT person_id, year_of_birth, count(*) AS n FROM omop.person GROUP BY person_id",
        "SELECT person_id, max(count(*)) AS n FROM omop.visit_occurrence GROUP BY person_id",
        "SELECT person_id FROM omop.person WHERE rank() OVER (PARTITION BY person_id ORDER BY year_of_birth) = 1",
        "SELECT person_id, lag(year_of_birth) AS y FROM omop.person",
        "SELECT person_id FROM omop.person GROUP BY person_id HAVING count(*) > 1 AND year_of_birth > 3",
        "SELECT person_id FROM omop.person GROUP BY person_id ORDER BY year_of_birth",
    ],
)
def test_a_misplaced_aggregate_is_refused_before_an_engine_would_and_with_the_reason(sql: str):
    refused = refusal(sql)
    assert refused.code == "sql_grouping"
    assert refused.line == 1


def test_there_are_at_least_three_hundred_attacks():
    different = {" ".join(sql.split()) for sql in [sql for _, sql, _ in ATTACKS] + list(MORE_ATTACKS.values())}
    assert len(different) >= 300
    assert len(LEGIT) >= 60


@paragraphs_of(LEGIT)
@pytest.mark.parametrize("write", ["duckdb", "postgres"])
def test_an_honest_query_is_accepted_and_its_emitted_text_can_be_parsed(sql: str, write: str):
    checked = check(sql, write=write)
    assert isinstance(checked, CheckedQuery)
    assert len(sqlglot.parse(checked.emitted, read=write)) == 1
    assert checked.has_person_id or checked.has_accession_id
    assert checked.sql == sql
    assert len(checked.sha256) == 64


@paragraphs_of(LEGIT)
def test_every_table_is_emitted_with_its_schema(sql: str):
    real = {name for db, name in emitted_tables(check(sql).emitted) if db}
    assert real <= set(OMOP)
    assert {db for db, name in emitted_tables(check(sql).emitted) if name in OMOP} == {"omop"}


def test_emitted_text_is_accepted_again():
    for sql in LEGIT.values():
        assert check(check(sql, write="postgres").emitted).columns == check(sql).columns


def test_a_star_becomes_the_allowed_columns():
    assert check("SELECT * FROM omop.person").columns == tuple(OMOP["person"])


def test_unknown_column_names_the_column_and_its_place():
    refused = refusal("SELECT person_id\nFROM omop.person\nWHERE person_source_value IS NULL")
    assert "person_source_value" in refused.message
    assert refused.line == 3
    assert refused.column is not None
    assert 7 <= refused.column <= 26


def test_a_syntax_error_has_a_place_and_does_not_quote_the_query():
    refused = refusal("SELECT person_id\nFROM omop.person\nWHERE ((year_of_birth = 'SECRET'")
    assert refused.code == SYNTAX
    assert refused.line == 3
    assert "SECRET" not in refused.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT person_id -- SECRET\nFROM omop.person",
        "/* SECRET */ SELECT person_id FROM omop.person",
        "SELECT /*+ SECRET */ person_id FROM omop.person",
        "SELECT person_id FROM omop.person -- SECRET */ ; DROP",
        "SELECT person_id FROM omop.person WHERE year_of_birth < 1950 /* a */ AND /* SECRET */ month_of_birth = 1",
        "SELECT person_id FROM omop.person AS p /* SECRET */ ORDER BY /* SECRET */ person_id",
    ],
)
def test_comments_never_reach_the_emitted_text(sql: str):
    try:
        checked = check(sql)
    except SqlRefused:
        return  # a hint may be refused
    assert "SECRET" not in checked.emitted
    assert not re.search(r"--|/\*", checked.emitted)


def test_integer_division_keeps_the_meaning_of_postgresql():
    emitted = check("SELECT person_id, (2024 - year_of_birth) / 10 AS band FROM omop.person").emitted
    assert re.search(r"//|TRUNC", emitted)  # a bare `/` is of floats in DuckDB


def test_the_fingerprint_is_of_the_text_as_written():
    one, two = check("SELECT person_id FROM omop.person"), check("select person_id from omop.person")
    assert one.emitted == two.emitted
    assert one.sha256 != two.sha256


def test_a_quoted_upper_case_name_is_another_column():
    assert refusal('SELECT person_id, "YEAR_OF_BIRTH" FROM omop.person').code == COLUMN


def test_twelve_joins_are_still_allowed():
    joins = "".join(f" JOIN omop.death AS d{i} ON d{i}.person_id = p.person_id" for i in range(12))
    assert check(f"SELECT p.person_id FROM omop.person AS p{joins}").has_person_id


def judged(sql: str) -> None:
    """Any other exception than SqlRefused fails the test."""
    refused = checked = None
    try:
        checked = check(sql)
    except SqlRefused as error:
        refused = error
    if refused:
        assert refused.code.startswith("sql_")
        assert refused.message
    if checked:
        assert emitted_tables(checked.emitted)


@pytest.mark.parametrize("sql", ["{ =", "SELECT '\ud800' AS x, person_id FROM omop.person"])
def test_text_that_breaks_the_parser_or_the_fingerprint_is_refused(sql: str):
    assert refusal(sql).code == SYNTAX


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_random_text_is_accepted_or_refused_and_nothing_else(text: str):
    judged(text)


WORDS = st.sampled_from(
    [
        *("SELECT", "FROM", "WHERE", "person_id", "omop.person", "omop", ".", ",", "(", ")", "*", "=", "<", "1", "'a'"),
        *('"', "'", "AS", "x", "JOIN", "ON", "USING", "GROUP", "BY", "ORDER", "LIMIT", "UNION", "WITH", "CASE", "WHEN"),
        *("THEN", "END", "IN", "BETWEEN", "AND", "NOT", "EXISTS", "::", "date", "[", "]", "{", "}", "--", "/*", "*/"),
        *(";", "$1", "U&", "E'", "count", "OVER", "FILTER", "INTERVAL", "LATERAL", "VALUES", "NULL", "accession_id"),
        *("pg_sleep", "EXTRACT", "year", "cast"),
    ]
)


@settings(max_examples=250, deadline=None)
@given(st.lists(WORDS, max_size=25))
def test_random_words_of_sql_are_accepted_or_refused_and_nothing_else(words: list[str]):
    judged(" ".join(words))


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=4), st.sampled_from(sorted(LEGIT.values())), st.integers(0, 200))
def test_an_honest_query_with_words_put_in_is_accepted_or_refused_and_nothing_else(words, sql, at):
    judged(f"{sql[:at]} {' '.join(words)} {sql[at:]}")

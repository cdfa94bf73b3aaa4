"""The PostgreSQL role that cohort queries run as: what it may see and do, as a script and as checks of it.

The role sees views with the allowed columns, as security barriers, and nothing else. What PUBLIC may do in a fresh
database (catalogs, files, locks, sleeping, large objects) is taken from PUBLIC and given back to the other roles.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from flip_contracts.sql_guard.schema import Columns
from flip_trust.sql.postgres_engine import VIEWS

# Functions of pg_catalog that a plain SELECT over views never needs; SQL LIKE patterns.
DANGEROUS = (
    r"pg\_%", r"lo\_%", "loread", "lowrite", "%xml%", r"ts\_stat", "set_config", "current_setting", "version",
    r"inet\_%", r"txid\_%", r"has\_%\_privilege", "repeat", "generate_series%", "lpad", "rpad", "random%", "setseed",
    "gen_random_uuid", "uuid%", "currtid%", r"%\_description", r"to\_reg%", r"json%\_populate%", r"json%\_to\_record%",
    "nextval", "setval", "currval", "lastval", "array_fill", r"regexp\_%", r"brin\_%", r"gin\_%", r"binary\_upgrade%",
    "dblink%", "row_security_active", "query_to%", "cursor_to%", "table_to%", "schema_to%", "database_to%",
)  # fmt: skip
# The views' types: what the guard takes each kind of column for.
TYPES = {"bigint": "bigint", "int": "integer", "double": "double precision", "date": "date", "timestamp": "timestamp"}
ALIKE = {
    "bigint": {"bigint", "integer"},
    "int": {"integer", "bigint", "smallint"},
    "double": {"double precision"},
    "date": {"date"},
    "timestamp": {"timestamp without time zone"},
}


@dataclass(frozen=True)
class Found:
    """What is in the site's database: columns of the CDM schema by table, and the roles that use it."""

    database: str
    columns: dict[str, dict[str, str]]
    others: list[str]


def look(connection: "psycopg.Connection[Any]", cdm_schema: str, role: str) -> Found:
    columns: dict[str, dict[str, str]] = {}
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = %s",
        [cdm_schema],
    )
    for table, column, kind in rows:
        columns.setdefault(table, {})[column.lower()] = kind
    others = connection.execute(
        "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolname NOT LIKE 'pg\\_%%' AND rolname <> %s ORDER BY 1",
        [role],
    )
    database = connection.execute("SELECT current_database()").fetchone()
    assert database is not None
    return Found(database[0], columns, [name for (name,) in others])


def script(
    found: Found, columns: Columns, *, role: str, password: str, cdm_schema: str = "omop", catalog: bool = True
) -> list[str]:
    """Statements for a superuser; running them again is harmless and brings the views up to date."""
    name, schema = _quoted(role), _quoted(VIEWS)
    made = [
        f"DO $$ BEGIN CREATE ROLE {name} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"ALTER ROLE {name} NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS "
        f"CONNECTION LIMIT 16 PASSWORD {_text(password)}",
        *(
            f"ALTER ROLE {name} SET {setting}"
            for setting in (
                "default_transaction_read_only = on",
                "statement_timeout = '60s'",
                "lock_timeout = '500ms'",
                "search_path = ''",
                "temp_file_limit = '1GB'",  # with max_parallel_workers_per_gather the two that the role cannot undo
                "max_parallel_workers_per_gather = 0",
                "idle_in_transaction_session_timeout = '60s'",
                "client_connection_check_interval = '1s'",
            )
        ),
        f"DROP SCHEMA IF EXISTS {schema} CASCADE",
        f"CREATE SCHEMA {schema}",
        *(_view(table, allowed, found.columns.get(table, {}), cdm_schema) for table, allowed in columns.items()),
        f"REVOKE ALL ON DATABASE {_quoted(found.database)} FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {_quoted(found.database)} TO {name}",
        f"GRANT USAGE ON SCHEMA {schema} TO {name}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {name}",
        *(f"GRANT CONNECT, TEMPORARY ON DATABASE {_quoted(found.database)} TO {_quoted(o)}" for o in found.others),
    ]
    return made + (_catalog(found) if catalog else [])


def _view(table: str, allowed: Any, there: dict[str, str], cdm_schema: str) -> str:
    """A column that the site does not have is NULL: a query that names it finds nothing, and is no error."""
    listed = ", ".join(_column(name, kind, there) for name, kind in allowed.items()) or "NULL::integer AS nothing"
    source = f"{_quoted(cdm_schema)}.{_quoted(table)}" if there else "(SELECT 1 WHERE false) AS nobody"
    return f"CREATE VIEW {_quoted(VIEWS)}.{_quoted(table)} WITH (security_barrier) AS SELECT {listed} FROM {source}"


def _column(name: str, kind: str, there: dict[str, str]) -> str:
    quoted, held = _quoted(name), there.get(name)
    if kind == "varchar":
        # Compared and ordered by bytes, as in DuckDB.
        value = f'{quoted}::text COLLATE "C"' if held else 'NULL::text COLLATE "C"'
        return f"{value} AS {quoted}"
    if held in ALIKE[kind]:
        return quoted  # uncast, so that the site's indexes are used
    return f"{quoted if held else 'NULL'}::{TYPES[kind]} AS {quoted}"


def _catalog(found: Found) -> list[str]:
    patterns = ", ".join(_text(pattern) for pattern in DANGEROUS)
    give_back = ", ".join(_quoted(other) for other in found.others)
    functions = f"""DO $$ DECLARE f regprocedure; BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'pg_catalog' AND p.prokind IN ('f', 'a') AND p.proname LIKE ANY (ARRAY[{patterns}])
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    {f"EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {give_back}', f);" if give_back else ""}
  END LOOP; END $$"""
    made = [functions]
    for schema in ("pg_catalog", "information_schema"):
        made.append(f"REVOKE SELECT ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC")
        if give_back:
            made.append(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {give_back}")
    made.append("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC")
    made.append("REVOKE USAGE ON LANGUAGE sql FROM PUBLIC")
    if give_back:
        made.append(f"GRANT USAGE ON LANGUAGE plpgsql, sql TO {give_back}")
    return made


def missing(found: Found, columns: Columns) -> list[str]:
    """Tables and columns that cohort SQL may name and the site does not have."""
    gone = [table for table in columns if table not in found.columns]
    return gone + [
        f"{table}.{name}"
        for table, allowed in columns.items()
        if table in found.columns
        for name in allowed
        if name not in found.columns[table]
    ]


# Each must fail for the restricted role; the name says what it could do if it did not.
MUST_FAIL = {
    "read files of the server": "SELECT pg_read_file('PG_VERSION')",
    "wait for ever": "SELECT pg_sleep(0)",
    "write large objects": "SELECT lo_create(0)",
    "hold locks": "SELECT pg_try_advisory_lock(1)",
    "read the catalogs": "SELECT count(*) FROM pg_catalog.pg_class",
    "read column statistics": "SELECT count(*) FROM pg_catalog.pg_stats",
    "make temporary tables": "CREATE TEMP TABLE flip_probe (x int)",
    "run code": "DO $$ BEGIN NULL; END $$",
    "read the tables behind the views": "SELECT count(*) FROM {cdm}.person",
    "write": "DELETE FROM cohort.person WHERE false",
}


def weaknesses(url: str, cdm_schema: str = "omop") -> list[str]:
    """What the role of `url` can do and must not. Raises psycopg.Error if it cannot even connect and read."""
    can: list[str] = []
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        connection.execute("SELECT person_id FROM cohort.person LIMIT 1", prepare=True)
        for what, statement in MUST_FAIL.items():
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(statement.format(cdm=cdm_schema).encode(), prepare=True)
                can.append(what)
            except psycopg.Error:
                continue
    return can


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

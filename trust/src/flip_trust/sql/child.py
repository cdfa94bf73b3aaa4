"""The process that touches the database: one query, then gone. JSON in on stdin, JSON out on stdout.

DuckDB with `read_only` alone still reads files, Python variables and writes exports; it is locked before the query.
"""

import ctypes
import datetime as dt
import decimal
import json
import math
import resource
import signal
import sys
from typing import Any

import duckdb

# In this order: the last one makes the others final.
LOCKS = (
    "SET python_enable_replacements=false",
    "SET python_scan_all_frames=false",
    "SET temp_directory=''",
    "SET max_temp_directory_size='0KB'",
    "SET allow_community_extensions=false",
    "SET autoinstall_known_extensions=false",
    "SET autoload_known_extensions=false",
    "SET allow_persistent_secrets=false",
    "SET enable_external_access=false",
    "SET lock_configuration=true",
)
PR_SET_PDEATHSIG = 1  # prctl(2)
ADDRESS_SPACE_FACTOR = 8  # DuckDB reserves far more addresses than it uses
TYPES = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "UINTEGER"), "int64"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "float64"),
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}


def connect(path: str, memory_limit_mb: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"memory_limit": f"{memory_limit_mb}MB", "threads": 1})
    quoted = path.replace("'", "''")
    # Attached under our own name: DuckDB names a catalog after its file, and `omop` would then mean two things.
    connection.execute(f"ATTACH '{quoted}' AS cdm (READ_ONLY)")
    connection.execute("USE cdm")
    for lock in LOCKS:
        connection.execute(lock)
    return connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    found = connection.execute(f"SELECT * FROM ({sql}) AS cohort ORDER BY ALL")
    columns = [(name, _type(str(kind))) for name, kind, *_ in found.description or []]
    return {"columns": columns, "rows": [[_json(v) for v in row] for row in found.fetchall()]}


def summary(connection: duckdb.DuckDBPyConnection, sql: str, has_person: bool, has_accession: bool) -> dict[str, Any]:
    """Persons and accessions of the cohort, whichever of the two it names; then fixed histograms of the persons."""
    image = "omop.image_occurrence"
    persons = (
        "SELECT DISTINCT c.person_id FROM cohort c JOIN omop.person o ON o.person_id = c.person_id"
        if has_person
        else (f"SELECT DISTINCT i.person_id FROM cohort c JOIN {image} i ON i.accession_id = c.accession_id")
    )
    accessions = (
        f"SELECT DISTINCT c.accession_id FROM cohort c JOIN {image} i ON i.accession_id = c.accession_id"
        if has_accession
        else (f"SELECT DISTINCT i.accession_id FROM {image} i JOIN persons p ON p.person_id = i.person_id")
    )
    ctes = f"WITH cohort AS ({sql}), persons AS ({persons}), accessions AS ({accessions})"

    def cells(query: str) -> dict[str, int]:
        return {str(value): count for value, count in connection.execute(f"{ctes} {query}").fetchall()}

    counted = connection.execute(
        f"{ctes} SELECT (SELECT count(*) FROM persons WHERE person_id IS NOT NULL), "
        "(SELECT count(*) FROM accessions WHERE accession_id IS NOT NULL)"
    ).fetchone()
    assert counted is not None
    joined = "FROM persons JOIN omop.person AS o ON o.person_id = persons.person_id"
    return {
        "persons": counted[0],
        "accessions": counted[1],
        "histograms": {
            "sex": cells(f"SELECT o.gender_concept_id, count(*) {joined} GROUP BY 1"),
            "age_band": cells(
                "SELECT ((extract(year FROM current_date) - o.year_of_birth) // 10 * 10)::INT, count(*) "
                f"{joined} WHERE o.year_of_birth IS NOT NULL GROUP BY 1"
            ),
            "modality": cells(
                f"SELECT i.modality_concept_id, count(DISTINCT i.person_id) FROM accessions a "
                f"JOIN {image} i ON i.accession_id = a.accession_id GROUP BY 1"
            ),
        },
    }


def _type(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return "float64"
    return TYPES.get(kind.split("(")[0].split(" ")[0].upper(), "string")


def _json(value: Any) -> Any:
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no infinity
    if value is None or isinstance(value, int | float | str | bool):
        return value
    return str(value)


def main() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a killed agent leaves no query running
    order = json.load(sys.stdin)
    seconds = math.ceil(order["timeout_seconds"]) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    limit = order["memory_limit_mb"] * 2**20 * ADDRESS_SPACE_FACTOR
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        connection = connect(order["path"], order["memory_limit_mb"])
        if order["what"] == "rows":
            answer = rows(connection, order["sql"])
        else:
            answer = summary(connection, order["sql"], order["has_person_id"], order["has_accession_id"])
    except MemoryError:
        answer = {"error": "memory"}
    except duckdb.Error as error:
        # Only the class: the text may quote a value of a row.
        answer = {"error": "memory" if isinstance(error, duckdb.OutOfMemoryException) else type(error).__name__}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

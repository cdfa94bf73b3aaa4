"""The process that touches a DuckDB file. Started once, it loads DuckDB and waits; each query runs in a fork of it.

A fork answers one query and is gone: nothing of one query is left for the next, and a fork can be killed. DuckDB with
`read_only` alone still reads files, Python variables and writes exports; it is locked before the query.
"""

import ctypes
import gc
import json
import math
import os
import re
import resource
import signal
import socket
import sys
from typing import Any

import duckdb
import numpy as np

from flip_trust.sql.statements import PERSONS, SOURCES
from flip_trust.sql.values import plain

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
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "float64"),
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


def rows(connection: duckdb.DuckDBPyConnection, sql: str, max_rows: int) -> tuple[dict[str, Any], bytes]:
    # The limit inside: outside, DuckDB would keep a heap of that many rows ready.
    limited = f"SELECT * FROM ({sql}) AS cohort LIMIT {max_rows + 1}"
    found = connection.execute(f"SELECT * FROM ({limited}) AS cohort ORDER BY ALL")
    columns = [(name, TYPES.get(re.split(r"[( ]", str(kind))[0], "string")) for name, kind, *_ in found.description]
    return {"columns": columns, "rows": [[plain(v) for v in row] for row in found.fetchall()]}, b""


def aggregate(
    connection: duckdb.DuckDBPyConnection, sources: dict[str, str], queries: dict[str, str], *, ids: bool = False
) -> tuple[dict[str, Any], bytes]:
    """What many queries ask is kept in memory: persons, accessions, and the cohort unless it is too large for that."""
    cte = _cohort(connection, sources["cohort"])
    for name in SOURCES[1:]:
        if name in sources:
            connection.execute(f"CREATE TEMP TABLE {name} AS {cte} {sources[name]}")
    answers = {
        name: [[plain(v) for v in row] for row in connection.execute(f"{cte} {query}").fetchall()]
        for name, query in queries.items()
    }
    if not ids:
        return answers, b""
    (persons,) = connection.execute(PERSONS).fetchnumpy().values()
    return answers, np.asarray(persons, np.int64).tobytes()


def _cohort(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """What to write before a query so that `cohort` is known: nothing, or a CTE that reads the file each time."""
    try:
        connection.execute(f"CREATE TEMP TABLE cohort AS {sql}")
    except duckdb.OutOfMemoryException:
        return f"WITH cohort AS ({sql})"
    return ""


def answer_of(order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        connection = connect(order["path"], order["memory_limit_mb"])
        match order["what"]:
            case "rows":
                return rows(connection, order["sql"], order["max_rows"])
            case _:
                return aggregate(connection, order["sources"], order["queries"], ids=order["ids"])
    except MemoryError:
        return {"error": "memory"}, b""
    except duckdb.Error as error:
        # Only the class: the text may quote a value of a row.
        return {"error": "memory" if isinstance(error, duckdb.OutOfMemoryException) else type(error).__name__}, b""


def _limit(order: dict[str, Any]) -> None:
    """Deadlines that the kernel keeps: no thread of ours has to be alive to stop a query."""
    signal.setitimer(signal.ITIMER_REAL, order["timeout_seconds"])  # SIGALRM ends the process
    seconds = math.ceil(order["timeout_seconds"]) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()  # what the zygote has mapped already
    limit = used + order["memory_limit_mb"] * 2**20 * ADDRESS_SPACE_FACTOR
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _fork(order_socket: int, control: socket.socket) -> None:
    if os.fork():
        os.close(order_socket)
        return
    try:
        control.close()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        with socket.socket(fileno=order_socket) as channel:
            with channel.makefile("rb") as incoming:
                order = json.loads(incoming.read())
            _limit(order)
            head, body = answer_of(order)
            channel.sendall(json.dumps(head).encode() + b"\n" + body + b"\0")  # the end mark: an early death has none
    finally:
        os._exit(0)


def main() -> None:
    """Serve until the agent is gone: each message on the control socket brings the socket of one order."""
    gc.disable()  # a fork ends before a collection could pay, and a collector copies the pages that it shares with us
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks are nobody's zombies
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for the agent, which then closes the socket
    control = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        for descriptor in descriptors:
            _fork(descriptor, control)


if __name__ == "__main__":
    main()

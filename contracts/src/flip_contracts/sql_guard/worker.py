"""The guard in a process of its own: hostile text may cost it a second and its memory, never the caller's.

One warm process per `GuardWorker`, started at the first check and again after it had to be killed. Queries and
answers are one JSON line each.
"""

import json
import os
import resource
import selectors
import subprocess
import sys
import threading
import time
import weakref
from typing import IO, Any

from flip_contracts.sql_guard.guard import CheckedQuery, check
from flip_contracts.sql_guard.refusal import SqlRefused
from flip_contracts.sql_guard.schema import allowed_columns

SECONDS, START_SECONDS, MEMORY_BYTES = 3.0, 30.0, 512 * 2**20


class GuardWorker:
    """Thread-safe. `also` and `never` are `table.column` names added to and taken from the default allow-list."""

    def __init__(
        self, also: frozenset[str] = frozenset(), never: frozenset[str] = frozenset(), seconds: float = SECONDS
    ):
        allowed_columns(also, never)  # an unknown name is told now
        self._also, self._never, self._seconds = sorted(also), sorted(never), seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ender: Any = None

    def check(self, sql: str, write: str = "duckdb", schema: str = "omop") -> CheckedQuery:
        """As `check`, with this worker's columns. Raises `SqlRefused`, also where the query is too hard to judge."""
        order = {"sql": sql, "write": write, "schema": schema, "also": self._also, "never": self._never}
        with self._lock:
            answer = self._ask(json.dumps(order).encode() + b"\n")
        if answer is None:
            raise SqlRefused("sql_too_complex", "The query is too hard to check. Simplify it.")
        if "code" in answer:
            raise SqlRefused(answer["code"], answer["message"], answer["line"], answer["column"])
        return CheckedQuery(
            sql=sql,
            emitted=answer["emitted"],
            columns=tuple(answer["columns"]),
            has_person_id=answer["has_person_id"],
            has_accession_id=answer["has_accession_id"],
            sha256=answer["sha256"],
        )

    def _ask(self, order: bytes) -> dict[str, Any] | None:
        seconds = self._seconds
        if self._process is None or self._process.poll() is not None:
            self._start()
            seconds = START_SECONDS
        process = self._process
        assert process is not None
        asked, told = process.stdin, process.stdout
        assert asked is not None
        assert told is not None
        try:
            asked.write(order)
            asked.flush()
            line = _line(told, seconds)
        except OSError:
            line = None
        if line is None:
            self._end()
            return None
        return json.loads(line)

    def _start(self) -> None:
        self._end()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "flip_contracts.sql_guard.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
        self._ender = weakref.finalize(self, _end, self._process)

    def _end(self) -> None:
        if self._ender is not None:
            self._ender()
        self._process = self._ender = None


def _line(stream: IO[bytes], seconds: float) -> bytes | None:
    """One line, or None if the process dies or takes longer."""
    read, deadline = bytearray(), time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not read.endswith(b"\n"):
            if not selector.select(max(deadline - time.monotonic(), 0)):
                return None
            piece = os.read(stream.fileno(), 1 << 20)
            if not piece:
                return None
            read += piece
    return bytes(read)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    columns = allowed_columns(frozenset(order["also"]), frozenset(order["never"]))
    try:
        checked = check(order["sql"], write=order["write"], schema=order["schema"], columns=columns)
    except SqlRefused as refusal:
        return {
            "code": refusal.code,
            "message": refusal.message,
            "line": refusal.line,
            "column": refusal.column,
        }
    answer = checked.__dict__.copy()
    del answer["sql"]
    return answer


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

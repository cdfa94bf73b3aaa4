"""The research mart: a DuckDB file with the tables of the CDM, built beside the old one and put in its place.

DuckDB has no rights on columns, so a mart holds only the columns that may be asked.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from flip_contracts.sql_guard.schema import CDM, CdmColumn, Columns
from flip_trust.sql.ddl import DUCKDB_TYPES, create_table

EPOCH = "DATE '1970-01-01'"


class Mart:
    """A mart that is being built. `allowed` None keeps every column of the CDM (for tests of what must not leak)."""

    def __init__(self, db: duckdb.DuckDBPyConnection, allowed: Columns | None):
        self.db, self._allowed = db, allowed

    def columns(self, table: str) -> tuple[CdmColumn, ...]:
        if self._allowed is None:
            return CDM[table]
        return tuple(c for c in CDM[table] if c.name in self._allowed[table])

    def insert(self, table: str, arrays: Mapping[str, Any], computed: Mapping[str, str] | None = None) -> int:
        """Append rows: arrays of one length by column (dates as days since 1970, int32), and SQL for other columns."""
        computed = computed or {}
        self.db.register("arrays", dict(arrays))
        chosen = [c for c in self.columns(table) if c.name in arrays or c.name in computed]
        values = ", ".join(computed.get(c.name) or _value(c) for c in chosen)
        listed = ", ".join(f'"{c.name}"' for c in chosen)
        try:
            return self.select(table, listed, f"SELECT {values} FROM arrays")
        finally:
            self.db.unregister("arrays")

    def select(self, table: str, listed: str, query: str) -> int:
        (count,) = self.db.execute(f'INSERT INTO omop."{table}" ({listed}) {query}').fetchone() or (0,)
        return count


def _value(column: CdmColumn) -> str:
    if column.type == "date":
        return f'{EPOCH} + "{column.name}"'
    if column.type == "timestamp":
        return f'CAST({EPOCH} + "{column.name}" AS TIMESTAMP)'
    return f'CAST("{column.name}" AS {DUCKDB_TYPES[column.type]})'


@contextlib.contextmanager
def building(path: Path, allowed: Columns | None, *, required: bool = True) -> Iterator[Mart]:
    """All tables, empty. On success the file takes its place in one step; on failure the old one stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9]", "_", path.name)
    part = path.with_name(f"building-{stem}")  # DuckDB names the catalog after the file: not `omop`
    part.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(part)) as db:
            db.execute("SET enable_progress_bar = false")  # it would write into the command's own
            db.execute("CREATE SCHEMA omop")
            mart = Mart(db, allowed)
            for table in CDM:
                columns = mart.columns(table)
                if columns:
                    db.execute(create_table(table, "omop", columns, required=required))
            yield mart
            db.execute("CHECKPOINT")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        part.with_name(part.name + ".wal").unlink(missing_ok=True)

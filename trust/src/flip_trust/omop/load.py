"""A CDM of CSV or Parquet files into a new mart: one file or folder per table, named after it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from flip_contracts.sql_guard.schema import CDM, CdmColumn, Columns
from flip_trust.errors import TrustError
from flip_trust.sql.ddl import DUCKDB_TYPES
from flip_trust.sql.mart import Mart, building

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")


class LoadFailed(TrustError):
    code = "omop_load_failed"


@dataclass
class Loaded:
    """Row counts by table, and in plain words what does not keep to the CDM. Holds no value of any row."""

    rows: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def sources(folder: Path) -> dict[str, list[Path]]:
    """The files of each table: `person.csv`, `PERSON.parquet`, or all files in a folder `person/`."""
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        table = entry.name.split(".")[0].lower()
        files = sorted(entry.iterdir()) if entry.is_dir() else [entry]
        files = [file for file in files if file.name.lower().endswith(SUFFIXES)]
        if table in CDM and files:
            found.setdefault(table, []).extend(files)
    return found


def load(folder: Path, mart_path: Path, allowed: Columns, told: Callable[[str, int], None]) -> Loaded:
    """Build the mart and put it in place of the old one. Raises `LoadFailed`; the old mart then stays as it was."""
    found = sources(folder) if folder.is_dir() else {}
    if "person" not in found:
        raise LoadFailed(f"There is no person.csv or person.parquet in {folder}. Name each file after its table.")
    report = Loaded()
    with building(mart_path, allowed, required=False) as mart:
        for table, files in found.items():
            try:
                report.rows[table] = sum(_load_file(mart, table, file, report) for file in files)
            except duckdb.Error:  # its text would quote a line of the file
                text = f"{files[0].name} cannot be read as a table with a header. Nothing was changed."
                raise LoadFailed(text) from None
            told(table, report.rows[table])
        _constraints(mart, report)
    unknown = [e.name for e in sorted(folder.iterdir()) if e.name.split(".")[0].lower() not in CDM]
    report.problems += [f"{name}: not a table of the CDM, left out" for name in unknown]
    return report


def _load_file(mart: Mart, table: str, file: Path, report: Loaded) -> int:
    quoted = str(file).replace("'", "''")
    parquet = file.name.lower().endswith(".parquet")
    reader = f"read_parquet('{quoted}')" if parquet else f"read_csv('{quoted}', header=true, all_varchar=true)"
    described = mart.db.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    there = {name.lower(): name for name, *_ in described}
    columns = [c for c in mart.columns(table) if c.name in there]
    absent = [c.name for c in mart.columns(table) if c.required and c.name not in there]
    report.problems += [f"{table}.{name}: required, but {file.name} has no such column" for name in absent]
    if not columns:
        return 0
    listed = ", ".join(f'"{c.name}"' for c in columns)
    values = ", ".join(_read(c, there[c.name]) for c in columns)
    rows = mart.select(table, listed, f"SELECT {values} FROM {reader}")
    lost = ", ".join(
        f"count(*) FILTER (WHERE {_text(there[c.name])} IS NOT NULL AND {_read(c, there[c.name])} IS NULL)"
        for c in columns
    )
    counts = mart.db.execute(f"SELECT {lost} FROM {reader}").fetchone() or ()
    report.problems += [
        f"{table}.{c.name}: {count} values in {file.name} are no {c.type} and were left empty"
        for c, count in zip(columns, counts, strict=True)
        if count
    ]
    return rows


def _text(name: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"nullif(trim(CAST({quoted} AS VARCHAR)), '')"


def _read(column: CdmColumn, name: str) -> str:
    text, kind = _text(name), DUCKDB_TYPES[column.type]
    if column.type == "varchar":
        return text
    if column.type in ("date", "timestamp"):  # vocabulary files write 20200131
        compact = f"CAST(try_strptime({text}, '%Y%m%d') AS {kind})"
        return f"coalesce(TRY_CAST({text} AS {kind}), TRY_CAST(TRY_CAST({text} AS TIMESTAMP) AS {kind}), {compact})"
    return f"coalesce(TRY_CAST({text} AS {kind}), TRY_CAST(TRY_CAST({text} AS DOUBLE) AS {kind}))"


def _constraints(mart: Mart, report: Loaded) -> None:
    """Required values, keys that repeat, events of nobody: reported, not repaired."""

    def count(sql: str) -> int:
        (found,) = mart.db.execute(sql).fetchone() or (0,)
        return found

    for table in report.rows:
        columns = mart.columns(table)
        empty = ", ".join(f'count(*) - count("{c.name}")' for c in columns if c.required)
        if empty:
            counts = mart.db.execute(f'SELECT {empty} FROM omop."{table}"').fetchone() or ()
            for column, missing in zip([c for c in columns if c.required], counts, strict=True):
                if missing:
                    report.problems.append(f"{table}.{column.name}: {missing} rows lack this required value")
        key = columns[0].name
        if key in (f"{table}_id", "concept_id", "person_id") and table not in ("death", "concept_synonym"):
            repeated = count(f'SELECT count("{key}") - count(DISTINCT "{key}") FROM omop."{table}"')
            if repeated:
                report.problems.append(f"{table}.{key}: {repeated} rows repeat a key")
        if table != "person" and "person_id" in [c.name for c in columns]:
            strangers = count(
                f'SELECT count(*) FROM omop."{table}" AS t WHERE NOT EXISTS '
                "(SELECT 1 FROM omop.person AS p WHERE p.person_id = t.person_id)"
            )
            if strangers:
                report.problems.append(f"{table}: {strangers} rows are of persons who are not in person")

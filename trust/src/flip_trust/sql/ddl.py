"""Tables of the CDM as DDL, from the one list of them."""

from flip_contracts.sql_guard.schema import CDM, CdmColumn

POSTGRES_TYPES = {
    "bigint": "bigint",
    "int": "integer",
    "double": "numeric",
    "date": "date",
    "timestamp": "timestamp",
    "varchar": "text",
}
DUCKDB_TYPES = POSTGRES_TYPES | {"double": "double", "varchar": "varchar"}


def create_table(
    table: str,
    schema: str,
    columns: tuple[CdmColumn, ...] | None = None,
    dialect: str = "duckdb",
    required: bool = True,
) -> str:
    types = DUCKDB_TYPES if dialect == "duckdb" else POSTGRES_TYPES
    listed = ", ".join(
        f'"{c.name}" {types[c.type]}{" NOT NULL" if c.required and required else ""}' for c in columns or CDM[table]
    )
    return f'CREATE TABLE "{schema}"."{table}" ({listed})'

"""The engine of a trust's settings, behind its own guard."""

from flip_contracts.sql_guard.schema import names
from flip_contracts.sql_guard.worker import GuardWorker
from flip_trust.settings import TrustSettings
from flip_trust.sql.duckdb_engine import DuckDbEngine
from flip_trust.sql.engine import Engine
from flip_trust.sql.postgres_engine import PostgresEngine


def open_engine(settings: TrustSettings) -> Engine:
    guard = GuardWorker(names(settings.omop_also), names(settings.omop_never)).check
    if settings.omop_url is not None:
        return PostgresEngine(settings.omop_url.get_secret_value(), guard, timeout_seconds=settings.query_seconds)
    assert settings.omop_path is not None  # the settings have one of the two
    return DuckDbEngine(
        settings.omop_path, guard, timeout_seconds=settings.query_seconds, memory_limit_mb=settings.query_memory_mb
    )

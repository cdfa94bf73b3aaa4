"""Alembic's entry: one connection, one transaction, a lock timeout so that a deploy never queues behind a reader."""

from alembic import context
from sqlalchemy import create_engine, text

from flip_hub import tables  # noqa: F401  the metadata must be whole
from flip_hub.db import Base

with create_engine(context.config.attributes["url"]).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        # Two hub processes may start at once: the second waits here and finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(7245000)"))
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.run_migrations()

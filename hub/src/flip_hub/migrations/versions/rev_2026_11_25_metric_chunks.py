"""Metric points in columns."""

import sqlalchemy as sa
from alembic import op

revision = "metric_chunks"
down_revision = "live_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metric_series",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("trust_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("x_label", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("last_x", sa.Double(), nullable=False),
        sa.Column("last_value", sa.Double(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lowest", sa.Double(), nullable=False),
        sa.Column("highest", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_metric_series_run_id_runs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["trust_id"], ["trusts.id"], name=op.f("fk_metric_series_trust_id_trusts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_series")),
        sa.UniqueConstraint("run_id", "source", "label", "x_label", name=op.f("uq_metric_series_run_id")),
    )
    op.create_table(
        "metric_chunks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("series_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("xs", sa.LargeBinary(), nullable=False),
        sa.Column("ys", sa.LargeBinary(), nullable=False),
        sa.Column("rounds", sa.LargeBinary(), nullable=False),
        sa.Column("ats", sa.LargeBinary(), nullable=False),
        sa.Column("client_name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["metric_series.id"],
            name=op.f("fk_metric_chunks_series_id_metric_series"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_chunks")),
    )
    op.create_index("ix_metric_chunks_series", "metric_chunks", ["series_id", "id"])
    op.create_index(
        "ix_metric_chunks_small",
        "metric_chunks",
        ["series_id", "client_name"],
        postgresql_where=sa.text("points < 4096"),
    )
    op.create_table(
        "metric_ids",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "id", name=op.f("pk_metric_ids")),
    )
    # Numbers do not shrink well: without this PostgreSQL would try on every chunk.
    op.execute(
        "ALTER TABLE metric_chunks ALTER xs SET STORAGE EXTERNAL, ALTER ys SET STORAGE EXTERNAL, "
        "ALTER rounds SET STORAGE EXTERNAL, ALTER ats SET STORAGE EXTERNAL"
    )
    op.execute("""
        INSERT INTO metric_series (run_id, source, trust_id, label, x_label, points, last_x, last_value, last_at, lowest, highest)
        SELECT run_id, coalesce(trust_id::text, ''), trust_id, label, x_label, count(*),
               (array_agg(x ORDER BY at DESC))[1], (array_agg(value ORDER BY at DESC))[1], max(at), min(value), max(value)
        FROM metrics GROUP BY run_id, trust_id, label, x_label
    """)
    op.execute("""
        INSERT INTO metric_chunks (series_id, client_name, points, xs, ys, rounds, ats)
        SELECT s.id, m.client_name, count(*),
               string_agg(float8send(m.x), ''::bytea ORDER BY m.at), string_agg(float8send(m.value), ''::bytea ORDER BY m.at),
               string_agg(int4send(m.round), ''::bytea ORDER BY m.at),
               string_agg(float8send(extract(epoch FROM m.at)::float8), ''::bytea ORDER BY m.at)
        FROM metrics m JOIN metric_series s ON s.run_id = m.run_id AND s.source = coalesce(m.trust_id::text, '')
             AND s.label = m.label AND s.x_label = m.x_label
        GROUP BY s.id, m.client_name
    """)
    op.execute("INSERT INTO metric_ids (run_id, id) SELECT run_id, id FROM metrics")
    op.drop_table("metrics")


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")

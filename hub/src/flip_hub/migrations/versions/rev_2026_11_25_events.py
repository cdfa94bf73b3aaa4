"""One table of events for runs' stories and for live pages, with a number that cannot skip a late commit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "live_events"
down_revision = "20c328d047f3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE events_seq")
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_events_run_id_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("seq", name=op.f("uq_events_seq")),
    )
    op.create_index("ix_events_run", "events", ["run_id", "seq"], postgresql_where=sa.text("kept"))
    op.create_index("ix_events_waiting", "events", ["id"], postgresql_where=sa.text("seq IS NULL"))
    op.create_index("ix_events_prunable", "events", ["at"], postgresql_where=sa.text("NOT kept"))
    op.execute("""
        INSERT INTO events (at, kind, payload, topics, run_id, kept)
        SELECT e.at, e.kind, e.payload, ARRAY['run:' || r.id, 'model:' || r.model_id, 'project:' || r.project_id], r.id, true
        FROM run_events e JOIN runs r ON r.id = e.run_id ORDER BY e.id
    """)
    op.drop_table("run_events")


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")

"""Options of a run, its deadline of a stop, which run it repeats; a project's activity by topic."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "run_options"
down_revision = "metric_chunks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    options = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("runs", sa.Column("options", options, nullable=False, server_default="{}"))
    op.alter_column("runs", "options", server_default=None)
    op.add_column("runs", sa.Column("rerun_of", sa.Uuid(), nullable=True))
    op.add_column("runs", sa.Column("stopping_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_runs_rerun_of_runs"), "runs", "runs", ["rerun_of"], ["id"], ondelete="SET NULL")
    op.create_index(
        "ix_events_activity", "events", ["topics"], postgresql_using="gin", postgresql_where=sa.text("kept")
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")

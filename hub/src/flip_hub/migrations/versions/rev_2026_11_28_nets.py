"""Nets that an admin adds, drains and removes; what a net says of its health."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "nets"
down_revision = "series_rule"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("nets", sa.Column("source", sa.String(), nullable=False, server_default="settings"))
    for name in ("url", "superlink", "ca_pem", "sealed_key"):
        op.add_column("nets", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("nets", sa.Column("slots", sa.Integer(), nullable=True))
    op.add_column("nets", sa.Column("draining", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("nets", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("nets", sa.Column("health", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("nets", sa.Column("health_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")

"""What a trust's admin asked of it through the hub, and what became of that."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "decisions_at_hub"
down_revision = "nets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("project_trusts", sa.Column("hub_request", kind, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")

"""Which image series of a study a project wants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "series_rule"
down_revision = "retired_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("series_rule", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")

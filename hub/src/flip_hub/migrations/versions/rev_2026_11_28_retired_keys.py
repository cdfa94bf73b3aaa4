"""Keys that trusts have handed over, with both signatures.

Revises: audit_head
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "retired_keys"
down_revision = "audit_head"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retired_keys",
        sa.Column("trust_id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("handover", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["trust_id"], ["trusts.id"], name=op.f("fk_retired_keys_trust_id_trusts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retired_keys")),
    )
    op.create_index(op.f("ix_retired_keys_trust_id"), "retired_keys", ["trust_id"])


def downgrade() -> None:
    op.drop_table("retired_keys")

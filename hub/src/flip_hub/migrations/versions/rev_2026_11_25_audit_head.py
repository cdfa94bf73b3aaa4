"""The audit log is append-only by triggers, and its newest row is known.

Revises: projects_uploads_trusts
"""

import sqlalchemy as sa
from alembic import op

revision = "audit_head"
down_revision = "projects_uploads_trusts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.execute("INSERT INTO audit_head SELECT 1, id, sha256 FROM audit_events ORDER BY id DESC LIMIT 1")
    op.execute("""
        CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_is_append_only ON audit_events")
    op.execute("DROP FUNCTION audit_is_append_only")
    op.drop_table("audit_head")

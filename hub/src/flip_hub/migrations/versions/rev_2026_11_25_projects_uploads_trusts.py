"""projects uploads trusts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "projects_uploads_trusts"
down_revision = "accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "object_deletions",
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("object_key", name=op.f("pk_object_deletions")),
    )
    op.create_index(op.f("ix_object_deletions_due_at"), "object_deletions", ["due_at"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("is_bundle", sa.Boolean(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_uploads_created_by_users")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_uploads_model_id_models"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_model_id"), "uploads", ["model_id"], unique=False)
    op.create_index(op.f("ix_uploads_state"), "uploads", ["state"], unique=False)
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("offset_bytes", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_upload_parts_upload_id_uploads"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", "offset_bytes", name=op.f("pk_upload_parts")),
    )
    op.add_column("cohort_answers", sa.Column("task_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_cohort_answers_task_id_tasks"), "cohort_answers", "tasks", ["task_id"], ["id"], ondelete="SET NULL"
    )
    op.add_column("cohort_queries", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("model_files", sa.Column("advice", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("model_files", sa.Column("advice_due", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("model_files", sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("model_files", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("models", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "project_members",
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("project_trusts", sa.Column("decided_by", sa.String(), server_default="", nullable=False))
    op.add_column("project_trusts", sa.Column("imaging_ready_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("projects", sa.Column("dicom_to_nifti", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("projects", sa.Column("query_saved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("projects", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("uq_projects_owner_id"), "projects", type_="unique")
    op.create_index("ix_projects_created", "projects", ["created_at", "id"], unique=False)
    op.create_index(
        "uq_projects_owner_name",
        "projects",
        ["owner_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.add_column("trusts", sa.Column("next_token_sha256", sa.String(), nullable=True))
    op.add_column("trusts", sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "trusts",
        sa.Column("versions", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.create_unique_constraint(op.f("uq_trusts_next_token_sha256"), "trusts", ["next_token_sha256"])
    op.execute("UPDATE cohort_answers SET state = 'queued' WHERE state = 'offline'")  # seen when it is read now
    op.execute("UPDATE projects SET query_saved_at = q.created_at FROM cohort_queries q WHERE q.id = projects.query_id")
    op.execute("UPDATE model_files SET advice_due = path LIKE '%.py'")


def downgrade() -> None:
    op.drop_constraint(op.f("uq_trusts_next_token_sha256"), "trusts", type_="unique")
    op.drop_column("trusts", "versions")
    op.drop_column("trusts", "revoked_at")
    op.drop_column("trusts", "next_token_sha256")
    op.drop_index("uq_projects_owner_name", table_name="projects", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_index("ix_projects_created", table_name="projects")
    op.create_unique_constraint(
        op.f("uq_projects_owner_id"), "projects", ["owner_id", "name"], postgresql_nulls_not_distinct=False
    )
    op.drop_column("projects", "deleted_at")
    op.drop_column("projects", "query_saved_at")
    op.drop_column("projects", "dicom_to_nifti")
    op.drop_column("project_trusts", "imaging_ready_at")
    op.drop_column("project_trusts", "decided_by")
    op.drop_column("project_members", "added_at")
    op.drop_column("models", "deleted_at")
    op.drop_column("model_files", "leased_until")
    op.drop_column("model_files", "attempts")
    op.drop_column("model_files", "advice_due")
    op.drop_column("model_files", "advice")
    op.drop_column("cohort_queries", "cancelled_at")
    op.drop_constraint(op.f("fk_cohort_answers_task_id_tasks"), "cohort_answers", type_="foreignkey")
    op.drop_column("cohort_answers", "task_id")
    op.drop_table("upload_parts")
    op.drop_index(op.f("ix_uploads_state"), table_name="uploads")
    op.drop_index(op.f("ix_uploads_model_id"), table_name="uploads")
    op.drop_table("uploads")
    op.drop_index(op.f("ix_object_deletions_due_at"), table_name="object_deletions")
    op.drop_table("object_deletions")

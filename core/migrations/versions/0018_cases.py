"""What past troubles taught: cases, their versions and what people think of them."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knowledge_cases",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("incident", sa.String(length=16), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("touched", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("alerts", sa.Text(), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=255), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), server_default="", nullable=False),
        sa.Column("confirmed_at", UtcTime(), nullable=True),
        sa.Column("ratings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stars", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_cases")),
    )
    op.create_index(op.f("ix_knowledge_cases_state_changed_at"), "knowledge_cases", ["state", "changed_at"])
    op.create_index(op.f("ix_knowledge_cases_incident"), "knowledge_cases", ["incident"], unique=True)
    op.create_table(
        "knowledge_case_versions",
        sa.Column("case_id", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("by_whom", sa.String(length=255), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["knowledge_cases.id"],
            name=op.f("fk_knowledge_case_versions_case_id_knowledge_cases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("case_id", "version", name=op.f("pk_knowledge_case_versions")),
    )
    op.create_table(
        "knowledge_case_ratings",
        sa.Column("case_id", sa.String(length=16), nullable=False),
        sa.Column("by_whom", sa.String(length=255), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["knowledge_cases.id"],
            name=op.f("fk_knowledge_case_ratings_case_id_knowledge_cases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("case_id", "by_whom", name=op.f("pk_knowledge_case_ratings")),
    )


def downgrade() -> None:
    op.drop_table("knowledge_case_ratings")
    op.drop_table("knowledge_case_versions")
    op.drop_index(op.f("ix_knowledge_cases_incident"), table_name="knowledge_cases")
    op.drop_index(op.f("ix_knowledge_cases_state_changed_at"), table_name="knowledge_cases")
    op.drop_table("knowledge_cases")

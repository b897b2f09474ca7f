"""Silences; what was kept back of a notification; alerts that other systems send, which end by themselves."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("expires_at", UtcTime(), nullable=True))
    op.add_column("alerts", sa.Column("generator_url", sa.Text(), nullable=False, server_default=""))
    op.add_column("alert_notifications", sa.Column("kept_back", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "alert_silences",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("matchers", sa.JSON(), nullable=False),
        sa.Column("recurs", sa.JSON(), nullable=True),
        sa.Column("starts_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_silences")),
    )
    op.create_index(op.f("ix_alert_silences_ends_at"), "alert_silences", ["ends_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_alert_silences_ends_at"), table_name="alert_silences")
    op.drop_table("alert_silences")
    op.drop_column("alert_notifications", "kept_back")
    op.drop_column("alerts", "generator_url")
    op.drop_column("alerts", "expires_at")

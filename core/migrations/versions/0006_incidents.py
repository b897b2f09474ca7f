"""Incidents: alerts that are one trouble."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_incidents",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("severity", sa.String(length=64), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("workload", sa.String(length=255), nullable=False),
        sa.Column("first_at", UtcTime(), nullable=False),
        sa.Column("last_at", UtcTime(), nullable=False),
        sa.Column("resolved_at", UtcTime(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("firing", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.String(length=16), nullable=True),
        sa.Column("arranged_by", sa.String(length=255), nullable=True),
        sa.Column("arranged_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_incidents")),
    )
    op.create_index(op.f("ix_alert_incidents_state_last_at"), "alert_incidents", ["state", "last_at"], unique=False)
    op.create_table(
        "alert_incident_members",
        sa.Column("fingerprint", sa.String(length=16), nullable=False),
        sa.Column("episode", sa.String(length=32), nullable=False),
        sa.Column("rule_id", sa.String(length=64), nullable=False),
        sa.Column("incident", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("severity", sa.String(length=64), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("workload", sa.String(length=255), nullable=False),
        sa.Column("relations", sa.JSON(), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", "episode", name=op.f("pk_alert_incident_members")),
    )
    op.create_index(op.f("ix_alert_incident_members_incident"), "alert_incident_members", ["incident"], unique=False)
    op.create_index(op.f("ix_alert_incident_members_ends_at"), "alert_incident_members", ["ends_at"], unique=False)
    op.add_column("alerts", sa.Column("incident", sa.String(length=16), nullable=True))
    op.create_index(op.f("ix_alerts_incident"), "alerts", ["incident"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_alerts_incident"), table_name="alerts")
    op.drop_column("alerts", "incident")
    op.drop_table("alert_incident_members")
    op.drop_table("alert_incidents")

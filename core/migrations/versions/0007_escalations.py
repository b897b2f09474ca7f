"""Which step of an escalation was told of which firing."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_escalations",
        sa.Column("fingerprint", sa.String(length=16), nullable=False),
        sa.Column("episode", sa.String(length=32), nullable=False),
        sa.Column("step", sa.String(length=300), nullable=False),
        sa.Column("way", sa.String(length=255), nullable=False),
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "episode", "step", "way", name=op.f("pk_alert_escalations")),
    )


def downgrade() -> None:
    op.drop_table("alert_escalations")

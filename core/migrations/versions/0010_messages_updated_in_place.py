"""What vendors call the messages that are updated in place."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_posted",
        sa.Column("group_key", sa.String(length=1024), nullable=False),
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("mark", sa.JSON(), nullable=False),
        sa.Column("firing", sa.JSON(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("group_key", "receiver", name=op.f("pk_alert_posted")),
    )


def downgrade() -> None:
    op.drop_table("alert_posted")

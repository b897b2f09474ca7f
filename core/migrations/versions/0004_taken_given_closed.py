"""Who an alert was given to, and who closed it."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("assignee", sa.String(length=255), nullable=True))
    op.add_column("alerts", sa.Column("closed_by", sa.String(length=255), nullable=True))
    op.add_column("alerts", sa.Column("closed_at", UtcTime(), nullable=True))
    op.add_column("alerts", sa.Column("closed_reason", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    for name in ("closed_reason", "closed_at", "closed_by", "assignee"):
        op.drop_column("alerts", name)

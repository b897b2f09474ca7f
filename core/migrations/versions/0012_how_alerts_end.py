"""Whether an alert's end was its sender's word, and why it ended where nobody saw it end."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("ends_by_timeout", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alerts", sa.Column("ended_because", sa.String(length=64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("alerts", "ended_because")
    op.drop_column("alerts", "ends_by_timeout")

"""Which escalations have been told how it ended, and until when an alert is taken."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INDEXES = (("alerts", "acknowledged_until"), ("alert_escalations", "ended_at"))


def upgrade() -> None:
    op.add_column("alerts", sa.Column("acknowledged_until", UtcTime(), nullable=True))
    op.add_column("alert_escalations", sa.Column("ended_at", UtcTime(), nullable=True))
    op.add_column("alert_escalations", sa.Column("ended_why", sa.String(length=16), nullable=False, server_default=""))
    for table, column in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
    # Those who were told before anybody was promised an end are not told of one now, weeks later.
    op.execute("UPDATE alert_escalations SET ended_at = at, ended_why = 'unknown'")


def downgrade() -> None:
    for table, column in _INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
    op.drop_column("alert_escalations", "ended_why")
    op.drop_column("alert_escalations", "ended_at")
    op.drop_column("alerts", "acknowledged_until")

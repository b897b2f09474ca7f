"""Indexes by which what is past its time is found, and when the words of a message were removed."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEXES = (
    ("alerts", ["resolved_at"]),
    ("alert_notify_log", ["at"]),
    ("alert_deliveries", ["bare_since", "finished_at"]),
    ("alert_escalations", ["at"]),
    ("alert_incidents", ["resolved_at"]),
)


def upgrade() -> None:
    op.add_column("alert_deliveries", sa.Column("bare_since", UtcTime(), nullable=True))
    for table, columns in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, unique=False)


def downgrade() -> None:
    for table, columns in _INDEXES:
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table_name=table)
    op.drop_column("alert_deliveries", "bare_since")

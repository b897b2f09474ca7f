"""An index that a page of alerts is sorted from, in place of one that told a few severities apart."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COLUMNS = ["state", "severity", "starts_at", "fingerprint", "rule_id", "namespace"]


def upgrade() -> None:
    op.drop_index(op.f("ix_alerts_severity"), table_name="alerts")
    op.create_index(op.f(f"ix_alerts_{'_'.join(_COLUMNS)}"), "alerts", _COLUMNS, unique=False)


def downgrade() -> None:
    op.drop_index(op.f(f"ix_alerts_{'_'.join(_COLUMNS)}"), table_name="alerts")
    op.create_index(op.f("ix_alerts_severity"), "alerts", ["severity"], unique=False)

"""Charts that were sent with alerts, so that what is sent again shows the same."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_pictures",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_pictures")),
    )
    op.create_index(op.f("ix_alert_pictures_at"), "alert_pictures", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_alert_pictures_at"), table_name="alert_pictures")
    op.drop_table("alert_pictures")

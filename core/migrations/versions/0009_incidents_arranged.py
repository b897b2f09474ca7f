"""Why each alert is in its incident, and what people did about incidents."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLE = "alert_incident_arrangements"


def upgrade() -> None:
    op.add_column("alert_incident_members", sa.Column("why", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "alert_incident_members", sa.Column("moved_by", sa.String(length=255), nullable=False, server_default="")
    )
    op.create_table(
        _TABLE,
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("incident", sa.String(length=16), nullable=False),
        sa.Column("others", sa.JSON(), nullable=False),
        sa.Column("by_whom", sa.String(length=255), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("undone_by", sa.String(length=255), nullable=True),
        sa.Column("undone_at", UtcTime(), nullable=True),
        sa.Column("undone_note", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
    )
    op.create_index(op.f(f"ix_{_TABLE}_incident"), _TABLE, ["incident"])
    op.create_index(op.f(f"ix_{_TABLE}_at"), _TABLE, ["at"])


def downgrade() -> None:
    op.drop_table(_TABLE)
    with op.batch_alter_table("alert_incident_members") as table:
        table.drop_column("moved_by")
        table.drop_column("why")

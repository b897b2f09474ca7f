"""Pages say what they were written in and from when until when they hold; passages know their section."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "knowledge_documents", sa.Column("kind", sa.String(length=16), nullable=False, server_default="markdown")
    )
    op.add_column("knowledge_documents", sa.Column("valid_from", sa.Date(), nullable=True))
    op.add_column("knowledge_documents", sa.Column("valid_until", sa.Date(), nullable=True))
    op.add_column("knowledge_passages", sa.Column("section", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("knowledge_passages", "section")
    for column in ("valid_until", "valid_from", "kind"):
        op.drop_column("knowledge_documents", column)

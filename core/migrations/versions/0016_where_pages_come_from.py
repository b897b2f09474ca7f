"""Where a page comes from, its versions beside each other until one of them is live, and how often that changed."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TABLE = "knowledge_documents"
_TEXTS = (("document", 32), ("state", 8), ("batch", 32), ("source", 8), ("added_by", 80))
_INDEXED = ("document", "state")


def upgrade() -> None:
    for name, length in _TEXTS:
        op.add_column(_TABLE, sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
    for name in ("etag", "modified"):
        op.add_column(_TABLE, sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column(_TABLE, sa.Column("added_at", UtcTime(), nullable=True))
    op.add_column(_TABLE, sa.Column("said", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.execute(f"UPDATE {_TABLE} SET document = id, state = 'live', source = 'folder', added_at = updated_at")  # noqa: S608 - a name of ours
    for name in _INDEXED:
        op.create_index(op.f(f"ix_{_TABLE}_{name}"), _TABLE, [name], unique=False)
    op.create_table(
        "knowledge_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("refreshed_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_state")),
    )
    op.execute("INSERT INTO knowledge_state (id, generation) VALUES (1, 1)")


def downgrade() -> None:
    op.drop_table("knowledge_state")
    op.execute(
        "DELETE FROM knowledge_passages WHERE document IN (SELECT id FROM knowledge_documents WHERE state <> 'live')"
    )
    op.execute("DELETE FROM knowledge_documents WHERE state <> 'live'")
    for name in _INDEXED:
        op.drop_index(op.f(f"ix_{_TABLE}_{name}"), table_name=_TABLE)
    for name in ("said", "added_at", "modified", "etag", *(name for name, _ in _TEXTS)):
        op.drop_column(_TABLE, name)

"""Ledger witnesses.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_note_line",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=4), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", "name", "key_id", name=op.f("pk_ledger_note_line")),
    )
    op.create_index("ix_ledger_note_line_key", "ledger_note_line", ["name", "key_id", "size"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_ledger_note_line_key", table_name="ledger_note_line")
    op.drop_table("ledger_note_line")

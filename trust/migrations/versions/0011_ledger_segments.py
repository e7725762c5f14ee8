"""Ledger segments, and the one change of a leaf that they allow: its data may leave the database.

Works with the previous release still running, until the first segment is released: that release cannot verify a leaf
whose data are in a file, and after a downgrade nothing can.
"""

import sqlalchemy as sa
from alembic import op

from trust.ledger.append_only import segment_removal_statements, segment_statements

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_segment",
        sa.Column("start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("checkpoint_size", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.String(length=200), nullable=False),
        sa.Column("proposed_at", sa.String(length=27), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("start", name=op.f("pk_ledger_segment")),
    )
    for statement in segment_statements(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    for statement in segment_removal_statements(op.get_bind().dialect.name):
        op.execute(statement)

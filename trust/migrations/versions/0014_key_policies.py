"""Key policies: proposals, signed changes, counters.

Works with the previous release still running: it only adds. That release does not ask the policies, and cannot read the
ledger entries of the new purpose key-policy.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_proposal",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_proposal")),
    )
    op.create_table(
        "key_change",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("proposal", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(["proposal"], ["key_proposal.id"], name=op.f("fk_key_change_proposal_key_proposal")),
        sa.PrimaryKeyConstraint("key", "number", name=op.f("pk_key_change")),
        sa.UniqueConstraint("entry", name=op.f("uq_key_change_entry")),
        sa.UniqueConstraint("proposal", name=op.f("uq_key_change_proposal")),
    )
    op.create_table(
        "key_count",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_key_count")),
    )


def downgrade() -> None:
    op.drop_table("key_count")
    op.drop_table("key_change")
    op.drop_table("key_proposal")
